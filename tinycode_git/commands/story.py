"""``git tiny story``: how a file came to be, as a chart with phases, owners and turning points; or one HTML page."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from tinycode_git.commands.app import new_app
from tinycode_git.commands.opening import reading, say
from tinycode_git.errors import Exit, Incomplete, Refused, UsageError
from tinycode_git.git.blame import path_arg
from tinycode_git.git.read import ReadRepo
from tinycode_git.history.asking import asked_about, near_paths, once_there
from tinycode_git.history.story import Phase, Story, over_time, story
from tinycode_git.render import console, jsonout
from tinycode_git.render.chart import bars, columns
from tinycode_git.render.console import Console, Style
from tinycode_git.render.escape import visible
from tinycode_git.render.table import cell_width, counted, cut

app = new_app()


@app.command("story")
def story_(
    path: Annotated[str, typer.Argument(metavar="PATH", help="A file.")],
    at: Annotated[str, typer.Option("--at", metavar="REF", help="The file as this commit has it.")] = "HEAD",
    html: Annotated[str, typer.Option("--html", metavar="FILE", help="Write one page of HTML to this file.")] = "",
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Tell how a file came to be: its size over time, its phases, who wrote what is there, where it turned.

    Renames are followed; commits that .git-blame-ignore-revs lists own no line.

    Examples:

    \b
      git tiny story src/server.c
      git tiny story src/server.c --html story.html

    Exit codes:

    \b
      0  done
      1  it is no text file
      2  there is no such file
      4  the history is not all here (a shallow clone); what there is, is told
    """
    if json and html:
        raise UsageError("--json and --html exclude each other", "leave one of them out")
    repo = reading()
    found = story(repo, *_asked(repo, path, at))
    if json:
        jsonout.write(found)
    elif html:
        from tinycode_git.render.storypage import page

        try:
            Path(html).write_text(page(found), encoding="utf-8", errors="backslashreplace")
        except OSError as failed:
            raise Incomplete(f"{html} cannot be written: {failed.strerror}", "name another file") from failed
        say(f"wrote {html}")
    else:
        sys.stdout.write("".join(drawn(found, console.for_stdout(repo.git))))
    for gap in found.gaps:
        say(f"not looked at: {gap}")
    if found.gaps:
        raise typer.Exit(Exit.INCOMPLETE)


def _asked(repo: ReadRepo, path: str, at: str) -> tuple[str, str]:
    """The commit and the path from the top. Raises UsageError where there is no such file."""
    if at == "HEAD" and repo.find(at) is None:
        raise Refused("there is no commit yet", "git commit makes one")
    repo.resolve(at)
    words = path if path.startswith(("./", "../", "/")) else f"./{path}"
    asked = asked_about(repo, words, at)
    if asked is not None and asked.kind == "path":
        return asked.commit, asked.path
    gone = once_there(repo, words, at)
    if gone is not None:
        last = repo.git.quiet("log", "-1", "--format=%h", gone.commit, "--", path_arg(gone.path)).text
        raise UsageError(f"{path!r} is gone from {at} since {last}", f"git tiny story {path} --at {last}~1")
    if asked is not None:
        raise UsageError(f"{path!r} names lines, and a story is of a file", f"git tiny explain {path}")
    near = near_paths(repo, path, at)
    hint = f"did you mean {' or '.join(near)}?" if near else "--at names another commit than HEAD"
    raise UsageError(f"there is no file {path!r} in {at}", hint)


def drawn(found: Story, on: Console) -> Iterator[str]:
    """The whole for people."""
    width = on.width or 100
    if not found.changes:
        yield f"{on.paint(visible(found.path), Style.STRONG)}: only merges changed it\n"
        return
    first, last = found.changes[0], found.changes[-1]
    people = len({one.author for one in found.changes})
    head = f"{counted(len(found.changes), 'commit')} by {people} {'people' if people != 1 else 'person'}"
    yield f"{on.paint(visible(found.path), Style.STRONG)}: {head}, {counted(last.size, 'line')}\n"
    if first.at != last.at:
        yield f"\n{on.paint(f'lines, {_day(first.at)} to {_day(last.at)}', Style.STRONG)}\n"
        yield columns(over_time(found.changes, min(width - 12, 100)), on)
    yield f"\n{on.paint('phases', Style.STRONG)}\n"
    for phase in found.phases:
        yield cut(_phase(phase, narrow=width < 80), width) + "\n"
    yield f"\n{on.paint('who wrote what is there', Style.STRONG)}\n"
    holders = [(one.author, one.lines, f"{counted(one.lines, 'line')}, {one.share:.0%}") for one in found.holders]
    yield bars(holders, on, width=24)
    yield f"\n{on.paint('where it turned', Style.STRONG)}\n"
    for turn in found.turns:
        oid = on.paint(turn.oid[:12], Style.OID)
        yield f"  {_day(turn.at)}  {oid}  {cut(visible(turn.why), width - 28)}\n"
        by = f" ({cut(visible(turn.author), 24)})"
        yield f"              {cut(visible(turn.title), max(12, width - 14 - cell_width(by)))}{by}\n"


def _phase(phase: Phase, *, narrow: bool) -> str:
    begun, ended = (_day(at)[: 7 if narrow else 10] for at in (phase.begun, phase.ended))
    mostly = "" if narrow else "mostly "
    what = f"{counted(phase.commits, 'commit')}, +{phase.added} -{phase.removed}, {mostly}{visible(phase.owner)}"
    return f"  {begun} to {ended}  {phase.kind:<10} {what if phase.commits else ''}".rstrip()


def _day(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).date().isoformat()
