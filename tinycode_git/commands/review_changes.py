"""``git tiny review [changes]``: make a review, print it in one of the formats, remember it."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tinycode_git import config, modes
from tinycode_git.commands.opening import ledger_of, preload, say
from tinycode_git.commands.reviewable import wanted_of
from tinycode_git.commands.reviewing import MOST, Made, Options, conduct, note_of
from tinycode_git.errors import Exit, Incomplete, TinyError, UsageError
from tinycode_git.git.write import PlanRepo
from tinycode_git.history.remarks import DEFAULT, RemarkKind
from tinycode_git.modes import Mode
from tinycode_git.render import console, jsonout
from tinycode_git.review.ingest import Reported, read_report
from tinycode_git.review.record import Review, Said
from tinycode_git.review.store import keep

if TYPE_CHECKING:
    from tinycode_git.commands.review_model import Asking

_MOST_BYTES = 64 << 20
NEVER = "never"


class Format(StrEnum):
    """What to print."""

    TERMINAL = "terminal"
    MARKDOWN = "markdown"
    JSON = "json"
    SARIF = "sarif"
    RDJSON = "rdjson"
    GITHUB = "github"
    GITLAB = "gitlab"
    JUNIT = "junit"
    HTML = "html"


class FailOn(StrEnum):
    """From which severity on the exit code is 1."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"
    NEVER = NEVER


def changes(
    what: Annotated[str, typer.Argument(metavar="[REF]", help="A..B, a branch, a commit, a plan.")] = "",
    staged: Annotated[bool, typer.Option("--staged", help="What the next commit would add.")] = False,
    onto: Annotated[str, typer.Option("--onto", metavar="REF", help="Compare a branch with this one.")] = "",
    reports: Annotated[
        list[str] | None,
        typer.Option("--report", metavar="FILE", help="A linter's SARIF or rdjson; - reads it here. Repeatable."),
    ] = None,
    format_: Annotated[Format, typer.Option("--format", "-f", help="What to print.")] = Format.TERMINAL,
    output: Annotated[str, typer.Option("--output", "-o", metavar="FILE", help="Write it to this file.")] = "",
    fail_on: Annotated[FailOn, typer.Option("--fail-on", help="Exit 1 from this severity on.")] = FailOn.HIGH,
    most: Annotated[int, typer.Option("--most", min=0, help="At most so many findings beyond rules'.")] = MOST,
    also: Annotated[
        list[RemarkKind] | None, typer.Option("--with", help="History's of this kind too. Repeatable.")
    ] = None,
    without: Annotated[
        list[RemarkKind] | None, typer.Option("--without", help="None of history's of this kind. Repeatable.")
    ] = None,
    model: Annotated[str, typer.Option("--model", metavar="MODEL", help="Ask this model (default: tiny.model).")] = "",
    no_model: Annotated[bool, typer.Option("--no-model", help="Ask none.")] = False,
    samples: Annotated[
        int, typer.Option("--samples", metavar="K", min=0, max=9, help="Answers to each question (0: by its size).")
    ] = 0,
    tier: Annotated[str, typer.Option("--tier", metavar="TIER", help="Validate by this tier.")] = "",
    coverage: Annotated[bool, typer.Option("--coverage", help="Say which hunks were read, which not and why.")] = False,
    no_note: Annotated[bool, typer.Option("--no-note", help="Do not remember it in refs/notes/tiny-review.")] = False,
    json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
) -> None:
    """Review a change: what the validator finds, what linters found, what history and a model say of these very lines.

    Without an argument the commits of this branch that its target has not. All findings are on lines that the change
    touches; linters' others are counted and left out. A model is asked where one is set up; what it says that the
    lines do not bear out is dropped and counted. An empty review is a good review.

    Examples:

    \b
      git tiny review
      git tiny review origin/main..HEAD --format markdown
      ruff check --output-format sarif | git tiny review --report -
      git tiny review --staged --coverage

    Exit codes:

    \b
      0  nothing from --fail-on on
      1  something is; or there is nothing to review
      2  no such range, branch or plan; a report that is none
      4  something could not be looked at; a model that was to be asked could not be
      130  interrupted while a model was asked: the rest of the review is printed
    """
    if model and no_model:
        raise UsageError("--model and --no-model contradict each other")
    if not (staged or no_note):
        preload("pygit2")  # a note is written with it
    repo = PlanRepo.discover()
    if tier:
        from tinycode_git.safety.opening import known_tier

        known_tier(tier)
    wanted = wanted_of(repo, what, staged=staged, onto=onto)
    top = str(repo.place.worktree or "")
    options = Options(
        reports=tuple(one for name in reports or () for one in _read(name, top)),
        most=most,
        tier=tier,
        kinds=(DEFAULT | frozenset(also or ())) - frozenset(without or ()),
        asking=None if no_model else asking_of(repo, model, samples),
    )
    made = conduct(repo, wanted, options)
    _write(repo, made, Format.JSON if json else format_, output, coverage=coverage)
    if not staged and not no_note:
        remember(repo, made.review)
    raise typer.Exit(exit_code(made.review, fail_on.value))


def asking_of(repo: PlanRepo, model: str, samples: int) -> Asking | None:
    """What a model is asked; None, and a line that says so, where none is named and none is set up."""
    if not model and not config.read(repo.git).text("tiny.model"):
        say("no model was asked: none is set up (git tiny model use NAME)")
        return None
    from tinycode_git.commands.review_model import Asking

    return Asking(model, samples)


def exit_code(review: Review, fail_on: str) -> int:
    """130 where it was interrupted, 1 where a finding is as severe as that, 4 where something was not looked at."""
    if review.interrupted:
        return Exit.INTERRUPTED
    if fail_on != NEVER and any(one.at_least(fail_on) for one in review.standing):
        return Exit.REFUSED
    return Exit.INCOMPLETE if review.gaps else Exit.DONE


def remember(repo: PlanRepo, review: Review) -> None:
    """Keep the review in git; where that is not allowed or not possible, say so: the review itself holds."""
    try:
        held = modes.ceiling(os.environ, config.read(repo.git).mode)
        modes.require(held, Mode.PROPOSE, "remembering a review")
        keep(repo, ledger_of(repo, held.mode), note_of(review))
    except TinyError as failed:
        say(f"not remembered: {failed.message}")


def _read(name: str, top: str) -> Sequence[Reported]:
    try:
        data = sys.stdin.buffer.read(_MOST_BYTES + 1) if name == "-" else Path(name).read_bytes()
    except OSError as failed:
        raise Incomplete(f"{name} cannot be read: {failed.strerror}") from failed
    if len(data) > _MOST_BYTES:
        raise UsageError(f"{name} is larger than {_MOST_BYTES >> 20} MB", "let the linter look at the change alone")
    return read_report(data, "standard input" if name == "-" else name, top)


def _write(repo: PlanRepo, made: Made, kind: Format, output: str, *, coverage: bool) -> None:
    text = rendered(repo, made, kind, coverage=coverage)
    if output:
        try:
            Path(output).write_text(text, encoding="utf-8", errors="backslashreplace")
        except OSError as failed:
            raise Incomplete(f"{output} cannot be written: {failed.strerror}") from failed
    else:
        sys.stdout.write(text)
    if not made.review.head.tip and not made.review.coverage:
        say("nothing is staged")
    said = made.review.said
    for line in (*model_words(said), *made.review.notes, *(f"not looked at: {gap}" for gap in made.review.gaps)):
        say(line)


def model_words(said: Said | None) -> list[str]:
    """What came of asking a model, on one line: what it said that is not shown, and why."""
    if said is None or not said.claims + sum(said.dropped.values()):
        return []
    from tinycode_git.render.reviewtext import dropped_words

    words = dropped_words(said) or "nothing dropped"
    return [f"{said.model} made {said.claims} findings in {said.answers} answers; not shown: {words}"]


def rendered(repo: PlanRepo, made: Made, kind: Format, *, coverage: bool = False) -> str:
    """The review in a format."""
    if kind in (Format.TERMINAL, Format.MARKDOWN):
        from tinycode_git.render import reviewtext

        if kind is Format.MARKDOWN:
            text = reviewtext.as_markdown(made.review, made.texts)
            return text + (reviewtext.coverage_markdown(made.review.coverage) if coverage else "")
        on = console.for_stdout(repo.git)
        shown = reviewtext.terminal(made.review, made.texts, on)
        return shown + (reviewtext.coverage(made.review.coverage, on) if coverage else "")
    if kind is Format.HTML:
        from tinycode_git.render.reviewpage import page

        return page(made.review, made.texts)
    if kind is Format.JSON:
        return jsonout.dumps(made.review, indent=2 if sys.stdout.isatty() else None) + "\n"
    from tinycode_git.review.formats import FORMATS

    return FORMATS[kind.value](made.review)
