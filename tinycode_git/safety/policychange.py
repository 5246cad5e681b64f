"""Changes to what loosens: exceptions and policy that arrive with the change that they would excuse."""

from __future__ import annotations

from collections.abc import Iterator

from tinycode_git.git.process import Git
from tinycode_git.safety import baseline, objects
from tinycode_git.safety.finding import Finding, Match, finding
from tinycode_git.safety.policy import FILE, ProjectPolicy
from tinycode_git.safety.policyfile import loosened, parse_policy
from tinycode_git.safety.rule import Rule
from tinycode_git.safety.rulefile import BrokenRule
from tinycode_git.safety.surface import Change, ChangeSet

FOREIGN = ".gitleaks.toml"

ADDED = Rule(
    id="exception-added",
    family="hygiene",
    severity="critical",
    confidence="certain",
    kind="builtin",
    body="",
    message="the change brings an exception of its own",
    advice="git tiny allow --staged exception-added --reason '...' says that you mean it",
    reference="docs/rules.md",
    where=("path",),
)
LOOSENED = ADDED._replace(
    id="policy-loosened",
    message="the change makes the project's policy less strict; it is judged under the policy before it",
    advice="git tiny allow --staged policy-loosened --reason '...' says that you mean it",
)
RULES = (ADDED, LOOSENED)


def policy_findings(git: Git, changes: ChangeSet) -> Iterator[Finding]:
    """Exceptions and policies that this change set loosens. Raises BrokenRule for a policy file that cannot be read."""
    for change in changes.changes:
        if change.path == FILE:
            yield from _policy(git, change, changes.commit)
        elif change.path == FOREIGN and change.new.mode:
            yield _told(ADDED, change, changes.commit, "an allowlist of another scanner")
        elif change.path.startswith(f"{baseline.FOLDER}/") and change.added and change.path != baseline.SALT:
            yield _told(ADDED, change, changes.commit, "a baseline entry")


def _policy(git: Git, change: Change, commit: str) -> Iterator[Finding]:
    new = parse_policy(_text(git, change.new.mode, change.new.oid), FILE)
    said: list[str] = []
    for old in change.olds:
        said = loosened(_before(_text(git, old.mode, old.oid)), new)
        if not said:
            return
    for what in said:
        yield _told(ADDED if what.startswith("exception") else LOOSENED, change, commit, what)


def _before(text: str) -> ProjectPolicy:
    try:
        return parse_policy(text, FILE)
    except BrokenRule:  # what cannot be read was no policy
        return parse_policy("", FILE)


def _text(git: Git, mode: int, oid: str) -> str:
    if not mode:
        return ""
    loaded = next(iter(objects.read(git, [oid])))
    if isinstance(loaded, objects.Large) or loaded.content is None:
        return ""
    return loaded.content.decode("utf-8", "replace")


def _told(rule: Rule, change: Change, commit: str, what: str) -> Finding:
    match = Match(rule.id, 0, 0, 1, 1, 1, 1, b"", b"", change.path, f"{change.path}: {what}", (0, len(change.path)))
    return finding(rule, match, path=change.path, oid=change.new.oid, where="path", commit=commit)
