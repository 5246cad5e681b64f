"""A model asked about a change: questions made of its hunks, several answers to each, what most of them agree on."""

from __future__ import annotations

import re
import signal
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import inf
from typing import TYPE_CHECKING

from tinycode_git.commands.review_coverage import UNREAD
from tinycode_git.commands.talking import Talking, Watched, reading_ledger, talking
from tinycode_git.ending import importing
from tinycode_git.errors import Incomplete, Refused
from tinycode_git.git.patches import FilePatch
from tinycode_git.git.read import ReadRepo
from tinycode_git.llm.backend import Card
from tinycode_git.pathkinds import Kind, kind_of
from tinycode_git.planners.context.outline import outline
from tinycode_git.planners.model_syntax import broken
from tinycode_git.planners.model_text import data
from tinycode_git.render.escape import is_visible
from tinycode_git.render.progress import progress
from tinycode_git.review.answer import MOST, BadAnswer, Checks, Claim, Drop, judged, read_answer, schema_of
from tinycode_git.review.finding import Finding, Source, made
from tinycode_git.review.place import Changed
from tinycode_git.review.record import Said
from tinycode_git.review.sheet import LONGEST_LINE, Ids, Part, Row, packed, parts_of
from tinycode_git.review.votes import Agreed, agreed, open_still

if TYPE_CHECKING:
    from types import FrameType

MOST_QUESTIONS = 8
MOST_SAMPLES = 9
_USUAL_SAMPLES = 3
_LARGE = 15.0  # thousand million parameters from which on one answer is asked for
_LARGE_BYTES = 12 << 30
_MOST_TOKENS = 1200
_FRAME = 480  # what the prompt itself takes
_SUBJECTS = 8
_ORDER = (Kind.CODE, Kind.BUILD, Kind.OTHER, Kind.TEST, Kind.DOCS)
_WORD = re.compile(r"[^\W\d_]{4,}")


@dataclass(frozen=True, slots=True)
class Asking:
    """Which model (empty: the one that is set up), how many answers (0: by its size), until when (``time.monotonic``).

    With an end it is asked in the main thread alone.
    """

    model: str = ""
    samples: int = 0
    until: float = inf


@dataclass(slots=True)
class Told:
    """What came of it. ``unread`` says of each file which hunks the model did not read and why; the others it did."""

    said: Said
    findings: list[Finding] = field(default_factory=list)
    unread: dict[str, dict[int, str]] = field(default_factory=dict)
    gaps: list[str] = field(default_factory=list)
    interrupted: bool = False

    def read(self, patch: FilePatch) -> int:
        """How many of a file's hunks the model read."""
        return len(patch.hunks) - len(self.unread.get(patch.path, {}))


@dataclass(slots=True)
class _Sheet:
    """A change as it is put to a model: its files' lines as shown, and what is known of it."""

    repo: ReadRepo
    changed: Changed
    masked: Mapping[tuple[str, int], str]
    known: Sequence[Finding]
    contents: dict[str, bytes] = field(default_factory=dict)
    dropped: Counter[str] = field(default_factory=Counter)
    answers: int = 0
    claims: int = 0


def ask(
    repo: ReadRepo,
    changed: Changed,
    span: tuple[str, str],
    asking: Asking,
    masked: Mapping[tuple[str, int], str],
    known: Sequence[Finding],
) -> Told:
    """Ask about a change from ``span[0]`` to ``span[1]``. ``masked``: lines that are shown otherwise (secrets);
    ``known``: findings that rules made.

    What goes wrong (no server, a time limit, Ctrl-C) is a gap: what was said before that stands.
    Raises UsageError where ``asking`` names no model.
    """
    sheet = _Sheet(repo, changed, masked, known)
    told = Told(Said(asking.model, asking.samples))
    readable = _readable(sheet, told)
    waiting: list[list[Part]] | None = None
    try:
        with (
            _bounded(asking.until),
            talking(repo, reading_ledger(repo), "a review by a model", asking.model) as talk,
        ):
            samples = asking.samples or samples_for(talk.backend.card())
            told.said = Said(talk.session.model, samples)
            waiting = _questions(sheet, told, talk, readable)
            _ask_all(sheet, told, talk, waiting, span, samples)
    except KeyboardInterrupt:
        told.interrupted = True
        _give_up(told, waiting, readable, "interrupted")
    except (Incomplete, Refused) as failed:
        _give_up(told, waiting, readable, failed.message)
    told.said = Said(told.said.model, told.said.samples, sheet.answers, sheet.claims, dict(sheet.dropped))
    return told


def samples_for(card: Card) -> int:
    """How many answers are asked for: one of a large model, several of a small one."""
    number = re.match(r"\s*([\d.]+)\s*([BMT])", card.parameters, re.I)
    if number is None or number[1].count(".") > 1 or number[1] == ".":
        return 1 if card.size >= _LARGE_BYTES else _USUAL_SAMPLES
    billions = float(number[1]) * {"M": 0.001, "B": 1.0, "T": 1000.0}[number[2].upper()]
    return 1 if billions >= _LARGE else _USUAL_SAMPLES


@contextmanager
def _bounded(until: float) -> Iterator[None]:
    """Raise Incomplete inside of the block once that time has come, also in a call that is never answered."""
    if until == inf:
        yield
        return

    def over(number: int, frame: FrameType | None) -> None:
        if importing(frame):
            signal.setitimer(signal.ITIMER_REAL, 0.01)
        else:
            raise Incomplete("the time for it was over")

    before = signal.signal(signal.SIGALRM, over)
    try:
        signal.setitimer(signal.ITIMER_REAL, max(until - time.monotonic(), 0.001))
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


# What is put to it.


def _readable(sheet: _Sheet, told: Told) -> list[FilePatch]:
    """The files that can be shown, what matters most first; the others are noted with the reason."""
    found = []
    for patch in sheet.changed.patches:
        kind = kind_of(patch.path)
        why = UNREAD.get(kind, "") or ("the file is gone" if patch.status == "D" else "")
        if why:
            told.unread[patch.path] = dict.fromkeys(range(len(patch.hunks)), why)
        elif patch.hunks:
            found.append(patch)
    found.sort(key=lambda patch: _ORDER.index(kind_of(patch.path)))
    texts = sheet.repo.read_many([patch.new_oid for patch in found])
    for patch, text in zip(found, texts, strict=True):
        sheet.contents[patch.path] = text or b""
    return found


def _questions(sheet: _Sheet, told: Told, talk: Talking, readable: Sequence[FilePatch]) -> list[list[Part]]:
    """The change in questions that fit; hunks that are in none are noted."""
    room = talk.session.room - _answer_room(talk) - _FRAME
    ids = Ids()
    parts: list[Part] = []
    for patch in readable:
        content = sheet.contents[patch.path]
        lines = content.decode("utf-8", "replace").split("\n")
        shown = [sheet.masked.get((patch.path, number), line) for number, line in enumerate(lines, 1)]
        functions = [(one.first, one.last) for one in outline(patch.path, content)]
        parts += parts_of(patch, shown, functions, ids, room, talk.session.count)
    questions, left = packed(parts, room, MOST_QUESTIONS, talk.session.count)
    asked = {(part.path, hunk) for question in questions for part in question for hunk in part.hunks}
    for patch in readable:
        for hunk in range(len(patch.hunks)):
            if (patch.path, hunk) not in asked:
                told.unread.setdefault(patch.path, {})[hunk] = "no line of it has text"
    for part in left:
        for hunk in part.hunks:
            told.unread.setdefault(part.path, {})[hunk] = "over budget"
    return questions


def _answer_room(talk: Talking) -> int:
    return min(_MOST_TOKENS, talk.session.room // 4)


def _subjects(sheet: _Sheet, talk: Talking, span: tuple[str, str]) -> str:
    """The titles of the change's commits as data; nothing where they would take much of the room."""
    base, tip = span
    if not tip:
        return ""
    out = sheet.repo.git.quiet("log", "--no-merges", f"--max-count={_SUBJECTS}", "--format=%s", tip, f"^{base}")
    titles = "\n".join(title[:120] for title in out.out.decode("utf-8", "replace").splitlines())
    return data("Titles of its commits", titles) if titles and talk.session.count(titles) < _FRAME // 2 else ""


# The questions asked.


def _ask_all(
    sheet: _Sheet,
    told: Told,
    talk: Talking,
    waiting: list[list[Part]],
    span: tuple[str, str],
    samples: int,
) -> None:
    """Ask each question and take what is agreed on; a question that was answered is no longer waiting."""
    subjects = _subjects(sheet, talk, span)
    total = len(waiting)
    with progress("asking the model", delay=0.3) as line:
        watched = Watched(line)
        while waiting:
            watched.say(f"the model reads part {total - len(waiting) + 1} of {total}")
            why = _ask_one(sheet, told, talk, waiting[0], subjects, samples, watched)
            done = waiting.pop(0)
            if why:
                _unread(told, [done], why)
                told.gaps.append(f"the model's answer could not be used: {why}")


def _ask_one(
    sheet: _Sheet,
    told: Told,
    talk: Talking,
    parts: Sequence[Part],
    subjects: str,
    samples: int,
    watched: Watched,
) -> str:
    """Why too few answers to one question could be used; empty where its findings were taken."""
    answers: list[list[Claim]] = []
    bad: list[str] = []
    for number in range(samples):
        try:
            answers.append(_sample(sheet, talk, parts, subjects, number, samples, watched))
        except BadAnswer as problem:
            bad.append(str(problem))
        if not open_still(answers, samples - len(bad)):
            break
    if not answers or len(bad) * 2 >= samples:
        return bad[0]
    kept, left = agreed(answers, samples)
    sheet.dropped.update({Drop.FEW.value: left} if left else {})
    told.findings += (found for one in kept if (found := _finding(sheet, one, talk.session.model)) is not None)
    return ""


def _sample(
    sheet: _Sheet,
    talk: Talking,
    parts: Sequence[Part],
    subjects: str,
    number: int,
    samples: int,
    watched: Watched,
) -> list[Claim]:
    """One answer, checked; what is no answer is asked for once more. Raises BadAnswer."""
    for again in (number, samples + number):
        said = talk.session.ask(
            "review",
            {
                "most": str(MOST),
                "subjects": subjects,
                "hunks": data("The change", "\n\n".join(part.text for part in parts)),
            },
            most=_answer_room(talk),
            schema=schema_of(parts),
            shown=watched.shown,
            again=again,
        )
        sheet.answers += 1
        try:
            found = read_answer(said.text)
        except BadAnswer:
            sheet.dropped[Drop.FORM.value] += 1
            if again != number:
                raise
            continue
        sheet.claims += len(found)
        claims, dropped = judged(found, parts, Checks(is_visible, lambda row, fix: _fixed(sheet, row, fix)))
        sheet.dropped.update({reason.value: count for reason, count in dropped.items()})
        return claims
    raise AssertionError("unreachable")


def _fixed(sheet: _Sheet, row: Row, fix: str) -> Drop | None:
    """Why a line of the file cannot be replaced so."""
    lines = sheet.contents[row.path].split(b"\n")
    now = lines[row.line - 1] if row.line <= len(lines) else b""
    if len(row.text) >= LONGEST_LINE or now.rstrip(b"\r").decode("utf-8", "replace") != row.text:
        return Drop.FIX
    end = b"\r" if now.endswith(b"\r") else b""
    new = [one.encode("utf-8", "replace") + end for one in fix.split("\n")]
    after = b"\n".join([*lines[: row.line - 1], *new, *lines[row.line :]])
    return Drop.BREAKS if broken(row.path, sheet.contents[row.path], after) else None


# What becomes of it.


def _finding(sheet: _Sheet, one: Agreed, model: str) -> Finding | None:
    claim = one.claim
    place = sheet.changed.line(claim.row.path, claim.row.line)
    if place is None:
        sheet.dropped[Drop.LINE.value] += 1
        return None
    if any(_says_it(rule, claim) for rule in sheet.known):
        sheet.dropped[Drop.KNOWN.value] += 1
        return None
    return made(
        place,
        rule=f"model/{claim.kind}",
        source=Source.MODEL,
        tool=model,
        severity=claim.severity,
        confidence="likely" if one.certainty >= 0.6 else "possible",
        message=f"{claim.what.rstrip('.')}. {claim.why}",
        key=claim.row.text.strip() if claim.row.gone else "",
        certainty=one.certainty,
        fix=claim.fix,
        text=sheet.masked.get((place.path, place.line)),
    )


def _says_it(rule: Finding, claim: Claim) -> bool:
    """Whether a rule's finding says what a claim says: on its line, of its kind or in its words."""
    if rule.source not in (Source.VALIDATOR, Source.LINTER) or rule.path != claim.row.path or rule.where != "content":
        return False
    if not rule.line <= claim.row.line <= rule.end_line:
        return False
    shared = set(_WORD.findall(rule.message.lower())) & set(_WORD.findall(f"{claim.what} {claim.why}".lower()))
    return len(shared) >= 2 or (rule.source is Source.VALIDATOR and claim.kind in ("security", "data-loss"))


def _give_up(told: Told, waiting: Sequence[Sequence[Part]] | None, readable: Sequence[FilePatch], why: str) -> None:
    """Note what was not asked: what waits, or everything where no question was made yet."""
    if waiting is not None:
        _unread(told, waiting, why)
    else:
        for patch in readable:
            told.unread[patch.path] = dict.fromkeys(range(len(patch.hunks)), why)
    told.gaps.append(f"the model did not read everything: {why}")


def _unread(told: Told, questions: Sequence[Sequence[Part]], why: str) -> None:
    for part in (part for question in questions for part in question):
        for hunk in part.hunks:
            told.unread.setdefault(part.path, {})[hunk] = why
