"""``git tiny scan``: secrets, dangerous code, hostile paths and text; staged, on disk, in history."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from tinycode_git.commands.app import new_app
from tinycode_git.errors import UsageError
from tinycode_git.git.process import Git
from tinycode_git.render import console, jsonout
from tinycode_git.render.progress import progress
from tinycode_git.safety import flow, report, surface
from tinycode_git.safety.finding import printable
from tinycode_git.safety.opening import known_tier
from tinycode_git.safety.outcome import Outcome
from tinycode_git.safety.policy import DEFAULT, verdict
from tinycode_git.safety.scan import (
    files_below,
    scan_files,
    scan_range,
    scan_staged,
    worktree_files,
)

app = new_app()


@app.command()
def scan(
    staged: Annotated[bool, typer.Option("--staged", help="What the next commit would add.")] = False,
    worktree: Annotated[bool, typer.Option("--worktree", help="Every file as it is on disk (the default).")] = False,
    range_: Annotated[str, typer.Option("--range", metavar="A..B", help="Each commit of a range.")] = "",
    all_: Annotated[bool, typer.Option("--all", help="Everything that a ref reaches: branches, tags, notes.")] = False,
    unreachable: Annotated[bool, typer.Option("--unreachable", help="With --all: what no ref reaches, too.")] = False,
    no_index: Annotated[
        list[str] | None, typer.Option("--no-index", metavar="PATH", help="Files outside of git's view; repeatable.")
    ] = None,
    paths: Annotated[list[str] | None, typer.Argument(metavar="[PATH]...", help="More paths for --no-index.")] = None,
    tier: Annotated[str, typer.Option("--tier", metavar="TIER", help="Judge by this tier.")] = "",
    structural: Annotated[bool, typer.Option("--structural", help="With --all: structural rules, too (slow).")] = False,
    jobs: Annotated[int, typer.Option("--jobs", help="With --all: processes (default: one a core).")] = 0,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    sarif: Annotated[bool, typer.Option("--sarif", help="Print SARIF 2.1.0.")] = False,
    fix: Annotated[bool, typer.Option("--fix", help="With files on disk: apply verified fixes.")] = False,
) -> None:
    """Look for secrets, dangerous code, destructive commands, hostile paths and Unicode, text aimed at a model.

    The receipt says what was looked at. What could not be looked at makes the exit code 4, and so does nothing at all.

    Examples:

    \b
      git tiny scan --staged
      git tiny scan --range origin/main..HEAD --sarif
      git tiny scan --all --json
      git tiny scan --no-index src build.sh --fix

    Exit codes:

    \b
      0  nothing blocks
      1  something blocks; it is listed
      2  no such range, path or tier
      4  something could not be looked at, or there was nothing to look at
    """
    outside = [*(no_index or []), *(paths or [])]
    modes = [name for name, on in (("--staged", staged), ("--worktree", worktree), ("--range", bool(range_)),
                                   ("--all", all_), ("--no-index", bool(outside))) if on]  # fmt: skip
    if len(modes) > 1:
        raise UsageError(f"{' and '.join(modes)} say different things to look at", "name one of them")
    if (unreachable or structural) and not all_:
        raise UsageError("--unreachable and --structural go with --all")
    if fix and modes[:1] not in ([], ["--worktree"], ["--no-index"]):
        raise UsageError("--fix changes files on disk", "it goes with --worktree or --no-index")
    if tier:
        known_tier(tier)
    if outside:
        outcome = _no_index(outside, tier or DEFAULT, fix)
    else:
        git = Git(Path.cwd(), {"GIT_GRAFT_FILE": os.devnull})
        if all_:
            outcome = _all(flow.session(git, tier=tier, cached=True), unreachable, structural, jobs)
        else:
            outcome = _repository(git, modes[0] if modes else "--worktree", range_, tier, fix)
    _print(outcome, json=json, sarif=sarif)
    raise typer.Exit(flow.failing([outcome]))


def _no_index(paths: list[str], tier: str, fix: bool) -> Outcome:
    engine, tier = flow.plain_session(tier=tier)
    files = list(files_below(paths))
    if fix:
        _fix(engine, files)
    result = scan_files(engine, _shown(files))
    return Outcome(result, tuple(verdict(result.findings, tier)), tier)


def _repository(git: Git, mode: str, revisions: str, tier: str, fix: bool) -> Outcome:
    if mode == "--range":
        start = _start(git, revisions)
        opened = flow.session(git, start, tier=tier, cached=True)
        return opened.run(lambda scanner: scan_range(scanner, *revisions.split()))
    opened = flow.session(git, tier=tier)
    if mode == "--staged":
        return opened.run(scan_staged)
    files = list(worktree_files(git))
    if fix:
        _fix(opened.engine, files)
    return opened.run(lambda scanner: scan_files(scanner.engine, _shown(files)))


def _all(opened: flow.Session, unreachable: bool, structural: bool, jobs: int) -> Outcome:
    from tinycode_git.safety.history import scan_history

    with progress("objects") as line:

        def moved(done: int, total: int) -> None:
            line.total = total
            line.step(done)

        return opened.run(
            lambda scanner: scan_history(
                scanner, structural=structural, unreachable=unreachable, jobs=jobs, moved=moved
            ),
            approvals=False,
        )


def _start(git: Git, revisions: str) -> str:
    """Whose policy counts for a range: that of the commit it starts from."""
    first = revisions.split()[0] if revisions.split() else ""
    start = first.split("...")[0].split("..")[0] if ".." in first else ""
    if not start:
        return surface.head(git) if ".." in first else ""
    return git.quiet("rev-parse", "-q", "--verify", "--end-of-options", f"{start}^{{commit}}", ok=(0, 1, 128)).text


def _shown(files: list[tuple[str, str]]) -> Any:
    with progress("files", len(files)) as line:
        for file in files:
            yield file
            line.step()


def _fix(engine: Any, files: list[tuple[str, str]]) -> None:
    from tinycode_git.safety.fix import apply_fixes

    for file, path in files:
        place = Path(file)
        if place.is_symlink() or not place.is_file():
            continue
        before = place.read_bytes()
        after, rules = apply_fixes(engine, before, path)
        if after != before:
            place.write_bytes(after)
            sys.stderr.write(f"fixed {printable(path)}: {', '.join(rules)}\n")


def _print(outcome: Outcome, *, json: bool, sarif: bool) -> None:
    result, blocking = outcome.result, outcome.blocking
    for note in result.notes:
        sys.stderr.write(f"note: {printable(note)}\n")
    if sarif:
        from tinycode_git.safety.sarif import log_of

        sys.stdout.write(jsonout.dumps(log_of(outcome), indent=2) + "\n")
    elif json:
        names = {finding.fingerprint for finding in blocking}
        shown = result.to_json()
        for entry in shown["findings"]:
            entry["blocks"] = entry["fingerprint"] in names
        jsonout.write({**shown, "tier": outcome.tier, "blocking": len(blocking)})
    else:
        color = console.for_stdout().color
        sys.stdout.write(report.told(result.findings, blocking, result.receipt, outcome.tier, color=color))
    if result.receipt.empty:
        sys.stderr.write("error: there was nothing to look at, and that is no pass\n")
