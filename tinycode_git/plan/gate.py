"""The gate: the user's check command, on the very tree that an approval would give, away from the repository.

It runs in a throwaway checkout (``git.throwaway``), sandboxed where that works, and sees what git would check out and
what the user links in, nothing else: no untracked file, no configuration beside the tree. A pass is remembered by tree,
command, setup, links, limits and toolchain (``plan.toolchain``), one small file each in ``<common dir>/tiny/gates``; a
failure never is. Output is kept in ``<common dir>/tiny/gate-output``.

Without a sandbox the user's repository is compared before and after (``git.trespass``): a difference fails the gate.
"""

from __future__ import annotations

import json
import os
import re
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from secrets import token_hex

from tinycode_git.errors import Refused
from tinycode_git.git.output import plain
from tinycode_git.git.process import LOCAL_ENV
from tinycode_git.git.read import Place, ReadRepo
from tinycode_git.git.sandbox import Errand, Outcome, Sandbox, run
from tinycode_git.git.throwaway import Clone, checkout
from tinycode_git.git.trespass import Before, Trespass
from tinycode_git.git.watch import Limits
from tinycode_git.plan import toolchain

VERSION = 1
KEPT_PASSES = 500
KEPT_OUTPUTS = 40
_LINES = 40
_LOOK = "look at each difference; nothing was applied"
# Lists of folders through which a program would import from the user's working tree instead of the checkout.
_SEARCHED = ("PYTHONPATH", "NODE_PATH", "CLASSPATH", "PERL5LIB", "RUBYLIB", "LD_LIBRARY_PATH")

Shown = Callable[[str], object]


@dataclass(frozen=True, slots=True)
class Check:
    """What a gate runs: ``command`` after ``setup``, both lines for ``/bin/sh``, with ``links`` into the user's tree.

    ``sandbox`` is ``auto`` (where it works), ``require`` or ``off``.
    """

    command: str
    setup: str = ""
    links: tuple[str, ...] = ()
    limits: Limits = field(default_factory=lambda: Limits(seconds=3600))
    sandbox: str = "auto"
    network: bool = True


@dataclass(frozen=True, slots=True)
class GateResult:
    """How a gate went. ``stage`` is ``check`` or ``setup``, whichever came last; ``lines`` the end of its output.

    ``remembered``: it passed at an earlier time, on the same tree with the same toolchain, and was not run again.
    ``exceeded`` names limits with their figures, ``changed`` what was changed of the user's and ``restored``
    what of it was put back (without a sandbox only).
    """

    passed: bool
    tree: str
    check: Check
    stage: str = "check"
    remembered: bool = False
    code: int = 0
    seconds: float = 0.0
    exceeded: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    restored: tuple[str, ...] = ()
    left: int = 0
    sandboxed: bool = False
    output: Path | None = None
    lines: tuple[str, ...] = ()

    def words(self) -> str:
        """One line: what ran and how it ended."""
        command = self.check.setup if self.stage == "setup" else self.check.command
        shown = plain(command).replace("\n", " ")
        shown = shown if len(shown) <= 80 else f"{shown[:79]}…"
        if self.remembered:
            return f"`{shown}` passed on this very tree before"
        if self.changed:
            return f"`{shown}` changed your repository: {self.changed[0]}"
        if self.exceeded:
            return f"`{shown}` was ended, {'; '.join(self.exceeded)}"
        ended = "passed" if self.passed else f"ended with code {self.code}"
        return f"`{shown}` {ended} after {self.seconds:.1f} s"


def run_gate(
    repo: ReadRepo,
    tree: str,
    check: Check,
    *,
    parents: Sequence[str] = (),
    fresh: bool = False,
    shown: Shown | None = None,
) -> GateResult:
    """Run ``check`` on ``tree`` (an oid), which the commit in the checkout has, with ``parents``.

    ``fresh`` ignores what is remembered. ``shown`` gets each line of output. Raises Refused for a link that cannot be
    made, Incomplete where objects are missing or a sandbox is required and there is none.
    """
    sandbox = Sandbox.chosen(check.sandbox, network=check.network)
    env = _environment()
    links = [repo.place.worktree / link for link in check.links] if repo.place.worktree else []
    tools = toolchain.digest([check.setup, check.command], env, links)
    remembered = _passes(repo.place) / _key(tree, check, tools, sandboxed=sandbox is not None)
    if not fresh and remembered.is_file():
        return GateResult(True, tree, check, remembered=True, sandboxed=sandbox is not None)
    with (
        _watched(repo, sandbox) as trespass,
        checkout(repo.place, tree, parents=parents, links=check.links) as made,
    ):
        result = _run(repo.place, made, tree, check, sandbox, env, shown)
    if any(trespass):
        result = replace(result, passed=False, changed=trespass[0].changed, restored=trespass[0].restored)
    if result.passed:
        _remember(remembered, result, tools)
    return result


def gate(
    repo: ReadRepo, check: Check, *, parents: Sequence[str] = (), shown: Shown | None = None, fresh: bool = False
) -> Callable[[str], None]:
    """A gate as an approval takes it: called with the tree, it returns or raises Refused (see ``refusal``)."""

    def called(tree: str) -> None:
        result = run_gate(repo, tree, check, parents=parents, shown=shown, fresh=fresh)
        if not result.passed:
            raise refusal(result)

    return called


def refusal(result: GateResult) -> Refused:
    """The refusal of a gate that failed: how, the end of its output, where the rest is."""
    what = "the setup of the gate failed" if result.stage == "setup" else "the gate failed"
    where = f"all of its output: {result.output}" if result.output else ""
    detail = [*Trespass(result.changed, result.restored).detail, *(f"| {line}" for line in result.lines)]
    return Refused(f"{what}: {result.words()}; nothing was applied", where, detail="\n".join(detail))


def each_step(
    repo: ReadRepo, trees: Sequence[str], check: Check, *, shown: Shown | None = None, fresh: bool = False
) -> Iterator[GateResult]:
    """The gate on each tree in turn, up to and with the first that fails."""
    for tree in trees:
        result = run_gate(repo, tree, check, shown=shown, fresh=fresh)
        yield result
        if not result.passed:
            return


def _run(
    place: Place,
    made: Clone,
    tree: str,
    check: Check,
    sandbox: Sandbox | None,
    env: Mapping[str, str],
    shown: Shown | None,
) -> GateResult:
    result = GateResult(False, tree, check)
    here = {**_redirected(env, place, made), **made.environment(), "PWD": str(made.path)}
    readable = [place.common_dir, *([place.worktree] if place.worktree else [])]
    for stage, command in (("setup", check.setup), ("check", check.command)):
        if not command:
            continue
        output, lines = _output(place, tree, stage), deque[str](maxlen=_LINES)

        def take(line: str, lines: deque[str] = lines) -> None:
            lines.append(line)
            if shown is not None:
                shown(line)

        writable = [made.path, made.scratch]
        argv = ["/bin/sh", "-c", command]
        errand = Errand(argv, made.path, here, output, check.limits, sandbox, writable=writable, readable=readable)
        result = _result(result, stage, run(errand, take), lines)
        if not result.passed:
            break
    return result


def _result(before: GateResult, stage: str, outcome: Outcome, lines: Sequence[str]) -> GateResult:
    return replace(
        before,
        passed=outcome.passed,
        stage=stage,
        code=outcome.code,
        seconds=before.seconds + outcome.seconds,
        exceeded=outcome.exceeded,
        left=before.left + outcome.left,
        sandboxed=outcome.sandboxed,
        output=outcome.output,
        lines=tuple(lines),
    )


@contextmanager
def _watched(repo: ReadRepo, sandbox: Sandbox | None) -> Iterator[list[Trespass]]:
    """Around a gate without a sandbox: what was changed of the user's meanwhile, in the list afterwards.

    Raises Refused where something was and the gate did not come to its end.
    """
    found: list[Trespass] = []
    if sandbox is not None:
        yield found
        return
    before = Before.take(repo)
    try:
        yield found
    except BaseException as failed:
        trespass = before.compare(undo=True)
        if trespass:
            raise trespass.refusal("gate", _LOOK) from failed
        raise
    found.append(before.compare(undo=True))


def _environment() -> dict[str, str]:
    """The user's own, without what speaks about a repository or about us."""
    own = re.compile(r"TINY_.*|GIT_(AUTHOR|COMMITTER)_.*|OLDPWD|_")
    return {name: value for name, value in os.environ.items() if name not in LOCAL_ENV and not own.fullmatch(name)}


def _redirected(env: Mapping[str, str], place: Place, made: Clone) -> dict[str, str]:
    """Search paths that lead into the user's working tree lead into the checkout instead."""
    if place.worktree is None:
        return dict(env)
    changed = dict(env)
    for name in _SEARCHED:
        parts = env.get(name, "").split(os.pathsep)
        if name in env:
            changed[name] = os.pathsep.join(_inside(part, place.worktree, made.path) for part in parts)
    return changed


def _inside(part: str, worktree: Path, instead: Path) -> str:
    try:
        return str(instead / Path(part).relative_to(worktree)) if part else part
    except ValueError:
        return part


# What is remembered, and the outputs


def _passes(place: Place) -> Path:
    return place.tiny_dir / "gates"


def _key(tree: str, check: Check, tools: str, *, sandboxed: bool) -> str:
    limits = check.limits
    facts = [VERSION, tree, check.command, check.setup, list(check.links), tools, sandboxed, check.network]
    facts += [limits.memory, limits.cpu_seconds, limits.open_files, limits.file_size]
    return sha256(json.dumps(facts).encode("utf-8", "surrogatepass")).hexdigest()


def _remember(place: Path, result: GateResult, tools: str) -> None:
    """Written beside, then renamed: whoever reads it reads all of it. The oldest of too many go."""
    place.parent.mkdir(parents=True, exist_ok=True)
    beside = place.with_suffix(f".{token_hex(4)}")
    facts = {"tree": result.tree, "command": result.check.command, "setup": result.check.setup, "toolchain": tools}
    beside.write_text(json.dumps({**facts, "seconds": round(result.seconds, 3), "at": int(time.time())}))
    beside.replace(place)
    _prune(place.parent, KEPT_PASSES)


def forget(repo: ReadRepo) -> int:
    """Forget every pass of this repository; how many there were."""
    found = list(_passes(repo.place).glob("*"))
    for place in found:
        place.unlink(missing_ok=True)
    return len(found)


def _output(place: Place, tree: str, stage: str) -> Path:
    folder = place.tiny_dir / "gate-output"
    folder.mkdir(parents=True, exist_ok=True)
    _prune(folder, KEPT_OUTPUTS - 1)
    return folder / f"{tree[:12]}-{stage}-{token_hex(3)}.log"


def _prune(folder: Path, most: int) -> None:
    aged = []
    for place in folder.iterdir():
        try:
            aged.append((place.stat().st_mtime_ns, place))
        except FileNotFoundError:
            continue
    for _, place in sorted(aged)[: max(0, len(aged) - most)]:
        place.unlink(missing_ok=True)
