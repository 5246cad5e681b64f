"""Plain sentences that a recipe understands.

A sentence is one of a few forms or it is not understood: there is no guessing, because a plan that does something
like what was asked is worse than none. What almost fits is left to a model; ``nearest_recipes`` says which recipes it
was near to.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from difflib import SequenceMatcher

from tinycode_git.planners.recipes.languages import ALIASES
from tinycode_git.planners.recipes.registry import RECIPES
from tinycode_git.planners.recipes.ruff import rules
from tinycode_git.proposal import Snapshot


@dataclass(frozen=True, slots=True)
class RecipeCall:
    """A recipe and the words for it, as on the command line."""

    recipe: str
    args: tuple[str, ...]


# A quoted text (any quotes, with everything in it), or words. Group names are given by ``_word``.
_QUOTES = (("'", "'"), ('"', '"'), ("`", "`"), ("‘", "’"), ("“", "”"), ("«", "»"))


def _word(group: str, bare: str = r"[^\s'\"`‘’“”«»]+") -> str:
    quoted = "|".join(f"{a}(?P<{group}_{n}>[^{b}]+){b}" for n, (a, b) in enumerate(_QUOTES))
    return rf"(?:{quoted}|(?P<{group}>{bare}))"


_NAME = r"[^\W\d][\w$]*[?!]?"
_IDENTIFIER = r"(?:identifier|name|function|method|class|variable|parameter|constant|attribute|field|type|symbol)"
_WHOLE = r"(?:code|code ?base|project|repo|repository)"
_ALL = rf"(?: (?:everywhere|throughout(?: the {_WHOLE})?|in the whole {_WHOLE}))?"
_IN = r" (?:in|inside|under|below|within) (?:the )?(?:folder |directory |file )?"
_ALL_OR_IN = rf"(?:{_ALL}|{_IN}{_word('path')})"
_CODE = rf"(?:all )?(?:the )?(?:whole )?(?:python )?(?:{_WHOLE}|sources?|files|everything)"
_FIX = r"(?:fix|run|apply)"
_PROBLEMS = r"(?:errors?|issues?|problems?|warnings?|findings?|fixes)"
_LINT = rf"(?:(?:all )?(?:the )?(?:lint|linting|linter|ruff)(?: {_PROBLEMS})?)"

_POLITE_START = re.compile(
    r"^(?:(?:please|pls|kindly|hey|hi|hello)[, ]+|(?:can|could|would|will) you (?:please )?"
    r"|let'?s |i (?:want|would like) to )+",
    re.IGNORECASE,
)
_POLITE_END = re.compile(r"(?:,? (?:please|pls|for me|thanks|thank you))+(?=[.!?]*$)", re.IGNORECASE)

# Words that, without quotes, are about things and not the names of things.
_ENGLISH = {"it", "this", "that", "them", "all", "everything", "file", "files", "folder", "folders", "directory"}
_ENGLISH |= {"module", "modules", "package", "branch", "project", "repo", "repository", "function", "functions"}
_ENGLISH |= {"class", "classes", "method", "methods", "variable", "variables"}


@dataclass(frozen=True, slots=True)
class _Form:
    """One form of sentence: the whole of it must match."""

    pattern: re.Pattern[str]
    call: Callable[[re.Match[str], Snapshot], RecipeCall | None]


def understand(sentence: str, snapshot: Snapshot) -> RecipeCall | None:
    """The call that a sentence asks for; None where it is not wholly understood.

    Case, politeness and a last full stop do not matter. Where a name is not quoted it must look like one, and a path
    must be in the tree.
    """
    text = _plain(sentence)
    if not text or "\n" in text:
        return None
    calls = {
        call for form in _FORMS if (match := form.pattern.fullmatch(text)) and (call := form.call(match, snapshot))
    }
    return calls.pop() if len(calls) == 1 else None


def _plain(sentence: str) -> str:
    """One line without what is only politeness and without the last full stop."""
    text = sentence.strip()
    text = _POLITE_END.sub("", _POLITE_START.sub("", text))
    return re.sub(r"(?<=[\w`'\"’”»)/])[.!?]+$", "", text).strip()


def _given(match: re.Match[str], group: str) -> tuple[str, bool]:
    """What a group caught and whether it was quoted."""
    groups = match.groupdict()
    for n in range(len(_QUOTES)):
        quoted = groups.get(f"{group}_{n}")
        if quoted is not None:
            return quoted, True
    return groups.get(group) or "", False


def _path(match: re.Match[str], snapshot: Snapshot) -> tuple[str, ...] | None:
    """The path as arguments, () where none was given; None where the tree has no such path."""
    path, _ = _given(match, "path")
    if not path:
        return ()
    clean = path.removeprefix("./").rstrip("/")
    return (clean,) if clean and (snapshot.entry(clean) is not None or snapshot.is_dir(clean)) else None


def _rename(match: re.Match[str], snapshot: Snapshot) -> RecipeCall | None:
    given = [_given(match, group) for group in ("old", "new")]
    names = [name.removesuffix("()") for name, _ in given]
    path = _path(match, snapshot)
    if path is None or names[0] == names[1] or not all(re.fullmatch(_NAME, name) for name in names):
        return None
    if any(not quoted and name.lower() in _ENGLISH for name, quoted in given):
        return None
    return RecipeCall("rename", (*names, *path))


def _replace(match: re.Match[str], snapshot: Snapshot) -> RecipeCall | None:
    (old, old_quoted), (new, new_quoted) = _given(match, "old"), _given(match, "new")
    path = _path(match, snapshot)
    if path is None or old == new or not (old_quoted and new_quoted):
        return None
    dashes = ("--",) if any(word.startswith("-") for word in (old, new)) else ()
    return RecipeCall("replace", (*dashes, old, new, *path))


def _rewrite(match: re.Match[str], snapshot: Snapshot) -> RecipeCall | None:
    given = [_given(match, group) for group in ("old", "new")]
    old, new = (text for text, _ in given)
    language = ALIASES.get(match["lang"].lower())
    path = _path(match, snapshot)
    if path is None or language is None or old == new or old.startswith("-") or new.startswith("-"):
        return None
    if not all(quoted or _is_code(text) for text, quoted in given):
        return None
    return RecipeCall("rewrite", (old, new, "--lang", language.name, *path))


def _is_code(text: str) -> bool:
    """Whether words without quotes can only be code: not prose, and not a form with another way to read it."""
    return bool(re.search(r"[$()\[\]{}=<>]", text)) and not re.search(r"(?i)\s(?:to|into|as|with|in|under)\s", text)


def _format(match: re.Match[str], snapshot: Snapshot) -> RecipeCall | None:
    path = _path(match, snapshot)
    return None if path is None else RecipeCall("format", path)


def _lint(match: re.Match[str], _: Snapshot) -> RecipeCall | None:
    codes = tuple(code.upper() for code in re.findall(r"[A-Za-z]+\d+", match.groupdict().get("codes") or ""))
    known = {rule.code for rule in rules()} if codes else set()
    return RecipeCall("lint-fix", codes) if all(code in known for code in codes) else None


def _rule(code: str) -> Callable[[re.Match[str], Snapshot], RecipeCall | None]:
    return lambda match, snapshot: RecipeCall("lint-fix", (code,))


def _form(pattern: str, call: Callable[[re.Match[str], Snapshot], RecipeCall | None]) -> _Form:
    return _Form(re.compile(pattern.replace(" ", r"\s+").replace(r"\s+?", r"\s*"), re.IGNORECASE), call)


_PLAIN_NAME = r"[\w$]+[?!]?(?:\(\))?"
_PATTERN = r"\S(?:.*?\S)?"
_CODES = r"(?P<codes>[a-z]+\d+(?:(?:,| and|, and) ?[a-z]+\d+| [a-z]+\d+)*)"

_TWO_NAMES = rf"{_word('old', _PLAIN_NAME)} (?:to|into|as) {_word('new', _PLAIN_NAME)}"
_TWO_TEXTS = rf"{_word('old')} (?:with|by) {_word('new')}"

_FORMS = (
    _form(rf"rename (?:the )?(?:{_IDENTIFIER} )?{_TWO_NAMES}{_ALL_OR_IN}", _rename),
    _form(rf"(?:replace|substitute) (?:all )?(?:the )?(?:text )?{_TWO_TEXTS}{_ALL_OR_IN}", _replace),
    _form(rf"(?:change|replace) {_word('old')} (?:to|into|with) {_word('new')}{_ALL_OR_IN}", _replace),
    _form(
        rf"rewrite {_word('old', _PATTERN)} (?:to|into|as|with) {_word('new', _PATTERN)} in (?P<lang>[\w+#]+)"
        rf"(?: (?:in|under) {_word('path')})?",
        _rewrite,
    ),
    _form(rf"(?:re)?format (?:{_CODE}|{_word('path')})(?: with ruff)?", _format),
    _form(r"(?:run )?(?:the )?(?:code )?formatter|ruff format|format", _format),
    _form(rf"{_FIX} {_LINT}(?: (?:in|of) {_CODE})?{_ALL}", _lint),
    _form(rf"{_FIX} (?:{_LINT} )?(?:rules? |code )?{_CODES}{_ALL}", _lint),
    _form(
        rf"(?:remove|delete|drop|fix) (?:all )?(?:the )?unused imports?(?: (?:in|from) {_CODE})?{_ALL}", _rule("F401")
    ),
    _form(rf"(?:sort|organi[sz]e|order) (?:all )?(?:the )?imports?(?: (?:in|of) {_CODE})?{_ALL}", _rule("I001")),
)


def nearest_recipes(sentence: str, most: int = 2) -> tuple[str, ...]:
    """The usage lines of the recipes whose words or sentences are most like this one; () where none is."""
    words = re.findall(r"[a-z]+", sentence[:500].lower())
    scores = {name: _likeness(words, name) for name in RECIPES}
    near = sorted((name for name in scores if scores[name] >= 0.75), key=lambda name: -scores[name])
    return tuple(RECIPES[name].usage for name in near[:most])


_VERBS = {
    "rename": ("rename", "renaming"),
    "rewrite": ("rewrite", "refactor", "transform"),
    "replace": ("replace", "substitute", "change", "swap"),
    "lint-fix": ("lint", "linting", "linter", "ruff", "imports", "unused", "warnings"),
    "format": ("format", "formatting", "reformat", "formatter", "black"),
}


def _likeness(words: list[str], name: str) -> float:
    pairs = ((word, verb) for word in words for verb in _VERBS[name])
    return max((SequenceMatcher(None, word, verb).ratio() for word, verb in pairs), default=0.0)
