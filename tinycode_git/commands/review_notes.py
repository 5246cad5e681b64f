"""``git tiny review show``, ``verify``, ``resolve``, ``dismiss``, ``noise``: what is done with kept reviews."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Annotated

import typer

from tinycode_git.commands.opening import planning, reading, say
from tinycode_git.commands.reviewing import Made, Options, Wanted, conduct
from tinycode_git.errors import Exit, Incomplete, Refused, UsageError
from tinycode_git.git.read import ReadRepo
from tinycode_git.git.trees import EMPTY_TREE
from tinycode_git.history.remarks import RemarkKind
from tinycode_git.render import console, jsonout
from tinycode_git.render.escape import visible
from tinycode_git.render.reviewtext import place
from tinycode_git.render.table import Column, table
from tinycode_git.review.finding import Finding, Source, State, fingerprint
from tinycode_git.review.noise import Noise, noise_of
from tinycode_git.review.record import Note, settled
from tinycode_git.review.store import every_note, keep, listed, note_of, patch_ids

Commit = Annotated[str, typer.Argument(metavar="[REF]", help="The reviewed commit (default: HEAD).")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@dataclass(frozen=True, slots=True)
class Checked:
    """What ``verify`` says of one review."""

    tip: str
    ok: bool
    findings: int
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Verified:
    """What ``verify --json`` prints."""

    ok: bool
    reviews: tuple[Checked, ...]


@dataclass(frozen=True, slots=True)
class NoiseView:
    """What ``noise --json`` prints."""

    rules: tuple[Noise, ...]
    reviews: int


def show(commit: Commit = "HEAD", json: Json = False) -> None:
    """Show the review that is kept of a commit; after a rebase that of the same patches.

    Examples:

    \b
      git tiny review show
      git tiny review show topic --json

    Exit codes:

    \b
      0  done
      1  there is none
      4  it cannot be read
    """
    repo = reading()
    note = _found(repo, commit)
    if json:
        jsonout.write(note)
        return
    on = console.for_stdout(repo.git)
    rows = [(one.fingerprint[:12], one.state.value, one.severity, place(one), one.message) for one in note.findings]
    columns = [Column("ID"), Column("STATE"), Column("SEVERITY"), Column("WHERE", shrinks=True), Column("WHAT")]
    sys.stdout.write(table(columns, rows, on) if rows else "no findings\n")


def verify(
    commit: Annotated[str, typer.Argument(metavar="[REF]", help="A reviewed commit (default: every one).")] = "",
    json: Json = False,
) -> None:
    """Check kept reviews again, offline: that each finding is made again by the same change, at the same line.

    What a linter or a model said cannot be made again here; of it the line, its text and the id are checked.

    Examples:

    \b
      git tiny review verify
      git tiny review verify topic

    Exit codes:

    \b
      0  everything holds
      1  a review says what its change does not show
      4  a commit that was reviewed is not here, or its note cannot be read
    """
    repo = reading()
    notes = [(repo.resolve(commit), _found(repo, commit))] if commit else list(every_note(repo))
    if not notes:
        raise Refused("there is no review here", "git tiny review makes one")
    checked = tuple(_checked(repo, on, note) for on, note in notes)
    ok = all(one.ok for one in checked)
    if json:
        jsonout.write(Verified(ok, checked))
    else:
        for one in checked:
            many = f"{one.findings} finding{'s' * (one.findings != 1)}"
            print(f"{one.tip[:12]}: {'holds' if one.ok else 'does not hold'} ({many})")
            for problem in one.problems:
                print(f"  {visible(problem)}")
    if not ok:
        raise typer.Exit(Exit.REFUSED)


def resolve(
    finding: Annotated[str, typer.Argument(metavar="ID", help="A finding's id, or the beginning of it.")],
    commit: Annotated[str, typer.Option("--at", metavar="REF", help="The reviewed commit.")] = "HEAD",
) -> None:
    """Note that a finding is dealt with. Where a later review makes it again, it is open again.

    Examples:

    \b
      git tiny review resolve 3f2c1a

    Exit codes:

    \b
      0  done
      1  there is no review of the commit, or it could not be written
      2  no finding of that id
    """
    _settle(finding, commit, State.RESOLVED, "", "review-resolve")


def dismiss(
    finding: Annotated[str, typer.Argument(metavar="ID", help="A finding's id, or the beginning of it.")],
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why it is none.")],
    commit: Annotated[str, typer.Option("--at", metavar="REF", help="The reviewed commit.")] = "HEAD",
) -> None:
    """Say that a finding is none, and why. Later reviews of the branch keep it, and do not show it.

    Examples:

    \b
      git tiny review dismiss 3f2c1a --reason 'the value is checked by the caller'

    Exit codes:

    \b
      0  done
      1  there is no review of the commit, or it could not be written
      2  no finding of that id, or no reason
    """
    if not reason.strip():
        raise UsageError("a dismissal needs a reason", "--reason TEXT")
    _settle(finding, commit, State.DISMISSED, reason.strip(), "review-dismiss")


def noise(
    onto: Annotated[str, typer.Option("--onto", metavar="REF", help="What happened up to this commit.")] = "HEAD",
    json: Json = False,
) -> None:
    """Measure the reviews that are kept: of the lines that each rule flagged, how many did later commits touch?

    A rule whose lines nobody ever touches again is noise.

    Examples:

    \b
      git tiny review noise
      git tiny review noise --onto main --json

    Exit codes:

    \b
      0  done
      1  there is no review of a commit that it holds
    """
    repo = reading()
    _some_commit(repo, onto)
    tip = repo.resolve(onto)
    notes = [note for _, note in every_note(repo) if repo.find(note.head.tip) and repo.is_ancestor(note.head.tip, tip)]
    if not notes:
        raise Refused(f"there is no review of a commit that {onto} holds", "git tiny review makes one")
    found = noise_of(repo, notes, tip)
    if json:
        jsonout.write(NoiseView(found, len(notes)))
        return
    rows = [
        (
            one.rule,
            str(one.flagged),
            str(one.touched),
            f"{100 * one.touched // max(1, one.flagged)}%",
            str(one.dismissed),
        )
        for one in found
    ]
    columns = [
        Column("RULE", shrinks=True),
        *(Column(name, right=True) for name in ("FLAGGED", "TOUCHED LATER", "SHARE", "DISMISSED")),
    ]
    sys.stdout.write(table(columns, rows, console.for_stdout(repo.git)) if rows else "no findings\n")
    say(f"{len(notes)} review{'s' * (len(notes) != 1)}")


def _some_commit(repo: ReadRepo, revision: str) -> None:
    if revision == "HEAD" and repo.find("HEAD") is None:
        raise Refused("there is no commit yet", "git commit makes one")


def _found(repo: ReadRepo, revision: str) -> Note:
    """The note of a commit; where it has none, that of a commit with the same patches (a rebase). Raises Refused."""
    _some_commit(repo, revision)
    oid = repo.resolve(revision)
    note = note_of(repo, oid)
    if note is None and listed(repo):
        note = _rebased(repo, oid)
    if note is None:
        raise Refused(f"there is no review of {revision} ({oid[:12]})", "git tiny review makes one")
    return note


def _rebased(repo: ReadRepo, oid: str) -> Note | None:
    parents = repo.commit(oid).parents
    last = patch_ids(repo, parents[0] if parents else EMPTY_TREE, oid)
    same = [note for _, note in every_note(repo) if last and note.head.patches[-1:] == last]
    return max(same, key=lambda note: note.head.at, default=None)


def _settle(prefix: str, revision: str, state: State, reason: str, action: str) -> None:
    repo, ledger = planning(action)
    note = _found(repo, revision)
    found = [one for one in note.findings if one.fingerprint.startswith(prefix.lower())] if prefix else []
    if len(found) != 1:
        raise UsageError(
            f"{prefix!r} means {len(found)} findings of this review", "git tiny review show lists them with their ids"
        )
    keep(repo, ledger, settled(note, found[0].fingerprint, state, reason), action)
    sys.stdout.write(f"{state.value}: {place(found[0])}: {visible(found[0].message)}\n")


def _checked(repo: ReadRepo, on: str, note: Note) -> Checked:
    head = note.head
    problems: list[str] = []
    if head.tip != on:
        problems.append(f"the note hangs on {on[:12]} and says that it is of {head.tip[:12]}")
    if repo.find(head.tip) is None or (head.base != EMPTY_TREE and repo.find(head.base) is None):
        raise Incomplete(f"the reviewed commits of {on[:12]} are not here", "git fetch them, then verify again")
    if head.base != EMPTY_TREE and not repo.is_ancestor(head.base, head.tip):
        problems.append(f"its base {head.base[:12]} is no ancestor of {head.tip[:12]}")
    again = conduct(
        repo,
        Wanted(head.base, head.tip, head.branch),
        Options(most=10_000, tier=head.tier, kinds=frozenset(RemarkKind), compare=False),
    )
    made = {one.fingerprint: one for one in again.review.findings}
    problems += [problem for one in note.findings for problem in _against(again, one, made)]
    if patch_ids(repo, head.base, head.tip) != head.patches:
        problems.append("its patch ids are not those of the range")
    return Checked(head.tip, not problems, len(note.findings), tuple(problems))


def _against(again: Made, one: Finding, made: dict[str, Finding]) -> list[str]:
    """What is wrong with a kept finding."""
    if one.source not in (Source.LINTER, Source.MODEL):
        same = made.get(one.fingerprint)
        if same is None:
            return [f"{place(one)}: {one.rule} is not found again: {one.message}"]
        wrong = (same.line, same.message, same.severity) != (one.line, one.message, one.severity)
        return [f"{place(one)}: {one.rule} now reads: {same.severity}: {same.message}"] if wrong else []
    spot = again.changed.line(one.path, one.line, one.end_line)
    if spot is None or spot.line != one.line:
        return [f"{place(one)}: the change does not touch the line that {one.tool} spoke of"]
    text = again.secrets.get((one.path, one.line), spot.text)
    stable = fingerprint(one.rule, one.path, one.text, one.key)
    if text != one.text or stable != one.fingerprint:
        return [f"{place(one)}: the line is not the one that {one.tool} spoke of"]
    return []
