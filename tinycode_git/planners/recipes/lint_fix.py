"""ruff's safe fixes, one step a rule.

Each step is what ``ruff check --fix`` does for one rule with all the project's rules switched on (some, like RUF100,
look at which others are), computed on the result of the step before. Rules make work for one another, so they take
turns until nothing is left to fix: first those that leave imports unused, then unused imports, then the order of
imports, then blank space. Where two rules would change the same lines in different ways, that order decides, and not
the order of ruff's one run over all of them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches

from tinycode_git.errors import Refused, UsageError
from tinycode_git.planners.recipes.arguments import Option, parse, plural
from tinycode_git.planners.recipes.ruff import Folder, checkout, failure, rules
from tinycode_git.proposal import Proposal, Put, Snapshot, StepDraft

name = "lint-fix"
summary = "ruff's safe fixes by the project's own rules (or the rules named), one step a rule"
usage = "lint-fix [RULES..]"
examples = ("lint-fix", "lint-fix F401 I001", "lint-fix unused-import")
sentences = ("fix lint", "fix lint F401", "remove unused imports", "sort imports")
options: tuple[Option, ...] = ()

_LAST = {"F401": 1, "I001": 2, "W291": 3, "W293": 3, "W391": 3, "W292": 3, "RUF100": 4}
_MOST_ROUNDS = 10
_BATCH = 500
_CHECK = ("check", "--no-cache", "--force-exclude", "--no-unsafe-fixes", "--exit-zero")


def plan(snapshot: Snapshot, args: Sequence[str], here: str = "") -> Proposal:
    """One step for each rule that fixes something.

    Raises UsageError for an unknown rule, Refused where nothing is to fix.
    """
    given = parse(name, usage, options, args, 0)
    selected = tuple(dict.fromkeys(_code(word) for word in given.words))
    with checkout(snapshot) as folder:
        work = _Work(folder, selected)
        work.until_stable()
        notes = (*folder.notes, *work.notes)
    if not work.steps:
        what = " ".join(selected) if selected else "the project's rules"
        raise Refused(f"ruff has no safe fix to make for {what}", "; ".join(notes) or "ruff check shows what it sees")
    task = "Fix lint" + (f": {', '.join(selected)}" if selected else "")
    paths = {change.path for step in work.steps for change in step.changes}
    return Proposal(task, name, tuple(work.steps), tuple(sorted(paths)), notes)


def _code(word: str) -> str:
    """The code for a rule's code or name, or a prefix of codes. Raises UsageError naming the nearest."""
    known = rules()
    names = {rule.name: rule.code for rule in known}
    upper = word.upper()
    if word.lower() in names:
        return names[word.lower()]
    if upper == "ALL" or any(rule.code.startswith(upper) for rule in known):
        return upper
    codes = [rule.code for rule in known]
    near = get_close_matches(upper, codes, 2, 0.6) or get_close_matches(word.lower(), names, 2, 0.6)
    hint = f"did you mean {' or '.join(near)}?" if near else "ruff rule --all lists them"
    raise UsageError(f"recipe lint-fix: ruff has no rule {word}", hint)


@dataclass(slots=True)
class _Work:
    """The folder as it is fixed, rule by rule, and the steps so far."""

    folder: Folder
    selected: tuple[str, ...]
    steps: list[StepDraft] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def until_stable(self) -> None:
        """Fix in rounds until no rule has anything left, or the rounds are used up."""
        stuck: set[tuple[str, str]] = set()
        for _ in range(_MOST_ROUNDS):
            fixable = self._fixable(stuck)
            if not fixable:
                return
            for code in sorted(fixable, key=lambda code: (_LAST.get(code, 0), code)):
                paths = fixable[code]
                if not self._fix(code, paths):
                    stuck.update((code, path) for path in paths)
        self.notes.append(f"stopped after {_MOST_ROUNDS} rounds: some rules undo what others do")

    def _fixable(self, stuck: set[tuple[str, str]]) -> dict[str, list[str]]:
        """The files by rule in which a safe fix is to be made. Files that are no Python are noted the first time."""
        ran = self.folder.run(*_CHECK, "--no-fix", "--output-format", "json", *self._selection(), ".")
        if ran.code:
            raise failure(ran)
        found: dict[str, set[str]] = {}
        for diagnostic in json.loads(ran.out):
            path = self.folder.relative(diagnostic["filename"])
            code = diagnostic["code"] or "invalid-syntax"
            if code == "invalid-syntax":
                self._note(f"left out: {path}: line {diagnostic['location']['row']}: {diagnostic['message']}")
            elif path not in self.folder.modes:
                self._note(f"left out: {path}: its name is not UTF-8")
            elif (diagnostic["fix"] or {}).get("applicability") == "safe" and self._is_asked(code):
                found.setdefault(code, set()).add(path)
        self._warnings(ran.err)
        open_ = {code: sorted(p for p in paths if (code, p) not in stuck) for code, paths in found.items()}
        return {code: paths for code, paths in open_.items() if paths}

    def _selection(self) -> tuple[str, ...]:
        return ("--extend-select", ",".join(self.selected)) if self.selected else ()

    def _is_asked(self, code: str) -> bool:
        return not self.selected or "ALL" in self.selected or code.startswith(self.selected)

    def _warnings(self, text: str) -> None:
        for line in text.splitlines():
            if line.startswith("warning: Selection"):
                self._note(line.removeprefix("warning: "))

    def _note(self, line: str) -> None:
        if line not in self.notes:
            self.notes.append(line)

    def _fix(self, code: str, paths: Sequence[str]) -> bool:
        """Let ruff fix one rule in the files that have it; a step where that changes something."""
        before = {path: self.folder.read(path) for path in paths}
        for batch in _batches(paths):
            ran = self.folder.run(
                *_CHECK, "--fix", "--fixable", code, "--output-format", "json", *self._selection(), "--", *batch
            )
            if ran.code:
                raise failure(ran)
        after = {path: self.folder.read(path) for path in paths}
        changes = tuple(Put(p, after[p], self.folder.modes[p]) for p in paths if after[p] != before[p])
        if changes:
            words = next((rule.name.replace("-", " ") for rule in rules() if rule.code == code), "")
            again = " again" if any(step.title.startswith(f"Fix {code} ") for step in self.steps) else ""
            title = f"Fix {code}{again} ({words}) in {plural(len(changes), 'file')}"
            body = f"ruff check --fix --fixable {code}"
            self.steps.append(StepDraft(title, changes, body, assisted_by="recipe lint-fix"))
        return bool(changes)


def _batches(paths: Sequence[str]) -> Iterable[Sequence[str]]:
    return (paths[n : n + _BATCH] for n in range(0, len(paths), _BATCH))
