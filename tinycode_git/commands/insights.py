"""``git tiny insights``: activity, owners, hot spots, what changes together, age, branches; with charts."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated

import typer

from tinycode_git.commands.app import new_app
from tinycode_git.commands.opening import reading, say
from tinycode_git.errors import Exit, Refused
from tinycode_git.history.insights import Insights, insights
from tinycode_git.render import console, jsonout
from tinycode_git.render.chart import bars, columns, shades, squeezed
from tinycode_git.render.console import Console, Style
from tinycode_git.render.escape import visible
from tinycode_git.render.progress import progress
from tinycode_git.render.table import Column, counted, table

app = new_app()
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


@app.command("insights")
def insights_(
    revision: Annotated[str, typer.Argument(metavar="[REF]", help="The history of this commit.")] = "HEAD",
    days: Annotated[
        int, typer.Option("--days", min=0, help="Owners, hot spots and pairs of the last so many days; 0: of all.")
    ] = 365,
    most: Annotated[int, typer.Option("--limit", "-n", min=1, help="Rows of each list.")] = 10,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show the repository in numbers: how active it is, who owns what, which files are hot, what changes together.

    Computed in DuckDB over the commit graph, which is kept beside the repository and added to when history grows. The
    last days are counted from the newest commit. Names follow .mailmap. A file counts where it still is in the tree.

    Examples:

    \b
      git tiny insights
      git tiny insights --days 0 --limit 25
      git tiny insights origin/main --json

    Exit codes:

    \b
      0  done
      1  there is no commit yet
      2  no such commit
      4  the history is not all here (a shallow clone); what there is, is counted
    """
    repo = reading()
    tip = repo.find(revision)
    if tip is None:
        if revision == "HEAD":
            raise Refused("there is no commit yet", "git commit makes one")
        tip = repo.resolve(revision)
    with progress("reading history", delay=0.5):
        found = insights(repo, tip, days=days, most=most)
    if json:
        jsonout.write(found)
    else:
        sys.stdout.write("".join(drawn(found, console.for_stdout(repo.git))))
    for gap in found.gaps:
        say(f"not looked at: {gap}")
    if found.gaps:
        raise typer.Exit(Exit.INCOMPLETE)


def drawn(found: Insights, on: Console) -> Iterator[str]:
    """The whole for people."""
    width = (on.width or 100) - 12
    begun, until = (datetime.fromtimestamp(at, UTC).date().isoformat() for at in (found.begun, found.until))
    people = f"{found.authors:,} {'people' if found.authors != 1 else 'person'}"
    merges = counted(found.merges, "merge")
    yield f"{counted(found.commits, 'commit')} ({merges}) by {people}, {begun} to {until}\n"
    yield f"{counted(found.files, 'file')}; of the commits {found.fixes:,} fix something, {found.reverts:,} revert\n"
    commits = squeezed([float(month.commits) for month in found.months], width)
    if commits:
        yield _title(f"commits, {found.months[0].month} to {found.months[-1].month}", on)
        yield columns(commits, on)
    yield _title("when, in each author's own time (0 to 23 h)", on)
    yield shades(found.hours, _DAYS, on)
    span = f"the last {(found.until - found.since) // 86400} days" if found.since else "all the time"
    if found.owners:
        yield _title(f"owners, {span}", on)
        yield bars(
            [(o.area, o.share, _owner(o.author, o.share, o.half, o.authors)) for o in found.owners], on, width=20
        )
    if found.hot:
        yield _title(f"hot spots, {span}: commits", on)
        rows = [(spot.path, spot.commits, _spot(spot.commits, spot.fixes, spot.authors)) for spot in found.hot]
        yield bars(rows, on, width=20, style=Style.BAD)
    if found.pairs:
        yield _title(f"change together, {span}", on)
        columns_ = [Column(right=True), Column(right=True), Column(shrinks=True), Column(shrinks=True)]
        pairs = [(f"{p.share:.0%}", f"{p.together}x", p.path, p.other_path) for p in found.pairs]
        yield "".join(f"  {line}\n" for line in table(columns_, pairs, on).splitlines())
    yield _title("files last changed within", on)
    yield bars([(age.since, age.files, f"{age.files:,}") for age in found.ages], on, width=20)
    if len(found.branches) > 1:
        yield _title("branches, newest first", on)
        yield from _branches(found, on)


def _title(text: str, on: Console) -> str:
    return f"\n{on.paint(visible(text), Style.STRONG)}\n"


def _owner(author: str, share: float, half: int, authors: int) -> str:
    return f"{author} {share:.0%}; {half} of {authors} made half of it" if authors > 1 else author


def _spot(commits: int, fixes: int, authors: int) -> str:
    return f"{commits}, {fixes} of them fixes, by {authors}"


def _branches(found: Insights, on: Console) -> Iterator[str]:
    side = max(4, min(20, ((on.width or 100) - 48) // 2))
    most = max((max(branch.ahead, branch.behind) for branch in found.branches), default=0) or 1
    for branch in found.branches:
        behind, ahead = (-(-side * n // most) for n in (branch.behind, branch.ahead))
        left, right = on.paint("-" * behind, Style.BAD), on.paint("+" * ahead, Style.GOOD)
        day = datetime.fromtimestamp(branch.at, UTC).date().isoformat()
        counts = f"{branch.behind:>6} {' ' * (side - behind)}{left}|{right}{' ' * (side - ahead)} {branch.ahead:<6}"
        yield f"{counts} {day}  {on.paint(visible(branch.name), Style.REF)} ({visible(branch.author)})\n"
