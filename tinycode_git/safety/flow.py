"""The validator as a whole, for hooks and commands: settings, policy, rules, scan, exceptions, verdict."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tinycode_git.errors import UsageError
from tinycode_git.git.process import Git
from tinycode_git.rows import NamedTuple
from tinycode_git.safety import surface
from tinycode_git.safety.engine import Engine
from tinycode_git.safety.look import Cache, NoCache
from tinycode_git.safety.objects import Reader
from tinycode_git.safety.opening import ASK, Policy, Settings, parse_settings, policy, settings
from tinycode_git.safety.outcome import Outcome
from tinycode_git.safety.ruleset import shipped
from tinycode_git.safety.scan import Scanner, ScanResult, scan_sets


class Session(NamedTuple):
    """Everything one validation needs; ``base`` is the tree-ish whose policy and exceptions count."""

    git: Git
    engine: Engine
    settings: Settings
    policy: Policy
    base: str
    cache: Cache = NoCache()
    notes: tuple[str, ...] = ()
    reader: Reader | None = None

    def run(self, scan: Callable[[Scanner], ScanResult], *, approvals: bool = True) -> Outcome:
        """Scan and judge."""
        result = scan(Scanner(self.git, self.engine, self.cache, self.reader))
        result = result._replace(notes=(*self.notes, *result.notes))
        if not result.findings:
            return Outcome(result, (), self.policy.tier)
        from tinycode_git.safety.approvals import ApprovalsOf
        from tinycode_git.safety.settle import settle

        given = ApprovalsOf(self.git, surface.common_dir(self.git)) if approvals else None
        return settle(self.git, self.engine, self.policy, self.base, result, given)


def session(git: Git, base: str | None = None, *, tier: str = "", cached: bool = False) -> Session:
    """Open a validation in a repository. ``base`` None: HEAD. ``tier`` overrides the user's setting.

    ``cached``: use what is known about texts from before (worth its cost where there are many).
    """
    found = settings(git)
    base = surface.head(git) if base is None else base
    rules = shipped()
    cache: Cache = NoCache()
    key = b""
    if cached:
        from tinycode_git.safety.verdicts import Verdicts

        cache = Verdicts.open(surface.common_dir(git), rules)
        key = cache.key
    judged_by, engine, notes = _as_before(git, base, tier or found.tier, Engine(rules, key))
    if engine.more is not None:  # what is cached is about our own rules only
        cache = NoCache()
    return Session(git, engine, found, judged_by, base, cache, notes)


def check_staged(git: Git, *, tier: str = "") -> Outcome:
    """What the next commit would add, judged. Git answers while the rules are loaded: a hook waits for this."""
    asked, against_head = git.started(*ASK, ok=(0, 1)), git.started(*surface.AGAINST_HEAD, ok=(0, 128))
    with asked as answer, against_head as changed, Reader(git) as reader:
        engine = Engine(shipped())
        found = parse_settings(answer().out)
        against = changed()
        base = "HEAD" if against.code == 0 else ""
        judged_by, engine, notes = _as_before(reader, base, tier or found.tier, engine)
        opened = Session(git, engine, found, judged_by, base, NoCache(), notes, reader)
        return opened.run(lambda scanner: scan_sets(scanner, [surface.staged(git, against)]))


def _as_before(reader: Git | Reader, base: str, tier: str, engine: Engine) -> tuple[Policy, Engine, tuple[str, ...]]:
    """The policy at ``base``, the engine with its rules; as staged where it cannot be read and the change mends it."""
    try:
        judged_by = policy(reader, base, tier)
        return judged_by, *_with_project_rules(engine, judged_by)
    except UsageError as broken:
        from tinycode_git.safety.opening import mended_policy

        mended = mended_policy(reader, tier)
        engine, notes = _with_project_rules(engine, mended)
        return mended._replace(foreign=""), engine, (*notes, f"{broken.message}; judged by the file as it is staged")


def _with_project_rules(engine: Engine, judged_by: Policy) -> tuple[Engine, tuple[str, ...]]:
    if not judged_by.project.rules and not judged_by.foreign:
        return engine, ()
    from tinycode_git.safety.projectrules import with_project_rules

    return with_project_rules(engine, judged_by)


def plain_session(*, tier: str) -> tuple[Engine, str]:
    """The rules alone, for files outside of a repository."""
    return Engine(shipped()), tier


def failing(outcomes: Sequence[Outcome]) -> int:
    """The exit code: 1 where something blocks, 4 where something was not looked at, else 0."""
    if any(outcome.blocking for outcome in outcomes):
        return 1
    return 4 if any(outcome.incomplete for outcome in outcomes) else 0
