"""Evidence in a model's words: what it is shown, what it is asked, and what of its answer holds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from typer import Exit

from tinycode_git import config
from tinycode_git.commands.opening import say
from tinycode_git.dialogue import Shown, Talk
from tinycode_git.errors import Exit as Code
from tinycode_git.errors import Refused, TinyError, UsageError
from tinycode_git.git.blame import path_arg
from tinycode_git.git.process import GitFailed
from tinycode_git.git.read import ReadRepo
from tinycode_git.history.audiences import Audience
from tinycode_git.history.claims import MOST_SENTENCES, Read, claim_schema, read_claims
from tinycode_git.history.evidence import Asked, Evidence, Explanation, Origin
from tinycode_git.history.exhibits import (
    MOST_SHOWN,
    TOUCHING,
    Exhibit,
    Packed,
    by_importance,
    exhibit,
    pack,
    printable_bytes,
)
from tinycode_git.history.prose import Bench, Prose, Removed, Why, held, says_why
from tinycode_git.planners.model_text import data
from tinycode_git.render.escape import is_visible
from tinycode_git.render.progress import progress

if TYPE_CHECKING:
    from tinycode_git.commands.talking import Talking

_MOST_TOKENS = 1200
_FRAME = 520  # what the prompts themselves take
_MOST_LINES, _LONGEST_LINE = 40, 200
_LONGEST_DIFF = 60_000
_TRIES = 2

_READERS = {
    Audience.RELEASE_NOTES: (
        "the users of the program, as release notes",
        "what changed for a user, not how it was done",
    ),
    Audience.NEWCOMER: ("a newcomer to the project", "which part of the project changed, and what that part is for"),
    Audience.REVIEWER: ("a reviewer", "what changed and what deserves a look: risks, reverts, what has no test"),
}
_WHOLE = ("who reads the history", "what changed and why")


@dataclass(slots=True)
class Words:
    """What came of asking: ``prose`` where a model was asked and answered, ``failed`` why there is none."""

    prose: Prose | None = None
    failed: TinyError | None = None
    interrupted: bool = False

    def gaps(self) -> tuple[str, ...]:
        """What there is not of a model's words; nothing where none were wanted."""
        if self.interrupted:
            return ("the model was interrupted: the evidence is whole, and in nobody's words",)
        return (f"the evidence is in nobody's words: {self.failed.message}",) if self.failed is not None else ()

    def end(self) -> None:
        """What to do about it, and the exit code where there is something to do about. The evidence has been shown."""
        if self.interrupted:
            raise Exit(Code.INTERRUPTED)
        if self.failed is not None and self.failed.hint:
            say(f"hint: {self.failed.hint}; --no-model asks none")


@contextmanager
def speaking(repo: ReadRepo, model: str, *, silent: bool, words: Words) -> Iterator[Talking | None]:
    """The model to ask: None where none is wanted or set up, or it cannot be reached (``words.failed`` says why)."""
    if silent and model:
        raise UsageError("--model and --no-model exclude each other", "leave one of them out")
    with ExitStack() as stack:
        talk: Talking | None = None
        if not silent and (model or config.read(repo.git).text("tiny.model")):
            from tinycode_git.commands.talking import reading_ledger, talking

            try:
                talk = stack.enter_context(talking(repo, reading_ledger(repo), "explain", model))
            except TinyError as failed:
                if isinstance(failed, UsageError):
                    raise
                words.failed = failed
        yield talk


def put_in_words(
    repo: ReadRepo, found: Explanation, talk: Talking | None, words: Words, audience: Audience | None = None
) -> None:
    """Ask the model, where there is one; what goes wrong, or Ctrl-C, is kept in ``words``."""
    if talk is None or not found.evidence:
        return
    from tinycode_git.commands.talking import Watched

    with progress("reading the evidence", delay=0.3) as line:
        watched = Watched(line)
        try:
            exhibits = exhibits_of(repo, found)
            watched.say("putting it in words")
            words.prose = prose_of(talk, found, exhibits, audience, watched.shown)
        except KeyboardInterrupt:
            words.interrupted = True
        except TinyError as failed:
            words.failed = failed


def exhibits_of(repo: ReadRepo, found: Explanation) -> list[Exhibit]:
    """All evidence as exhibits, the most important first; those that may be shown with their diffs."""
    near = _ancestors(repo, found)
    touching = TOUCHING[found.asked.kind]
    made: list[Exhibit] = []
    shown = 0
    for one in by_importance(found.evidence):
        good = one.oid in near and bool(touching & set(one.roles))
        if good and shown < MOST_SHOWN:
            one = replace(one, patch=one.patch or patch_of(repo, one, found.asked)[:_LONGEST_DIFF])
            shown += 1
        made.append(exhibit(one, ancestor=one.oid in near, touching=bool(touching & set(one.roles))))
    return made


def _ancestors(repo: ReadRepo, found: Explanation) -> frozenset[str]:
    """Which of the evidence is in the history of the commit asked about (of a commit: of HEAD too, for what came of
    it). What git lists is reachable from the evidence and not from there."""
    bounds = [found.asked.commit]
    if found.asked.kind == "commit" and (head := repo.find("HEAD")):
        bounds.append(head)
    oids = {one.oid for one in found.evidence}
    stdin = "".join(f"{line}\n" for line in [*sorted(oids), *(f"^{bound}" for bound in bounds)]).encode()
    out = repo.git.quiet("rev-list", "--stdin", stdin=stdin).text
    return frozenset(oids - set(out.split("\n")))


def patch_of(repo: ReadRepo, one: Evidence, asked: Asked) -> str:
    """What the commit changed (of a merge: against its first parent); of a path, in that path. Empty: not to be had."""
    limited = ["--", path_arg(asked.path)] if asked.kind == "path" else []
    options = ("-p", "-r", "--no-ext-diff", "--no-textconv", "--no-color", "--root", "-M", "--no-commit-id", "-m")
    literal = repo.git.setting(GIT_LITERAL_PATHSPECS="1")
    try:
        out = literal.quiet("diff-tree", *options, "--first-parent", one.oid, *limited).out
    except GitFailed:
        return ""
    return out.decode("utf-8", "surrogateescape").rstrip("\n")


def prose_of(
    talk: Talking,
    found: Explanation,
    exhibits: Sequence[Exhibit],
    audience: Audience | None,
    shown: Shown | None = None,
) -> Prose:
    """Ask, and hold the answer against ``exhibits``. Raises Incomplete, Refused as ``Talk.ask`` does."""
    session = talk.session
    citable = [one for one in exhibits if not one.problem]
    most = min(_MOST_TOKENS, session.room // 4)
    lines = _lines(found.origins, session)
    question = _question(found.asked, exhibits)
    room = session.room - most - _FRAME - session.count(question) - session.count(lines)
    packed = pack(citable, room, session.count, data)
    if not packed.ids:
        raise Refused(f"none of the evidence fits into the model's {session.room} tokens", "raise tiny.modelContext")
    parts = {"most": str(min(MOST_SENTENCES, 4 + len(packed.ids))), "evidence": packed.text, "problem": ""}
    if audience is not None or found.asked.kind in ("range", "plan"):
        readers, wanted = _READERS[audience] if audience else _WHOLE
        name, parts = "summary", parts | {"audience": readers, "wanted": wanted, "question": question}
    else:
        name, parts = "explain", parts | {"lines": lines, "question": question}
    for again in range(_TRIES):
        said = session.ask(name, parts, most=most, schema=claim_schema(packed.ids), shown=shown, again=again)
        read = read_claims(said.text)
        if read.claims or not read.malformed:
            break
        parts["problem"] = "Your last answer was no JSON object of that form. Answer with the object alone."
    return _judged(read, session.model, exhibits, packed, cut=said.cut)


def _judged(read: Read, model: str, exhibits: Sequence[Exhibit], packed: Packed, *, cut: bool) -> Prose:
    by_id = {one.id: one for one in exhibits}
    sentences, removed, demoted = held(read.claims, Bench(by_id, frozenset(packed.ids), is_visible))
    return Prose(
        model,
        sentences,
        (*removed, *(Removed("", (), Why.FORM) for _ in range(read.malformed))),
        demoted=demoted,
        says_why=says_why(sentences, by_id),
        shown=len(packed.ids),
        left_out=sum(not one.problem for one in exhibits) - len(packed.ids),
        cut=cut or not read.whole,
    )


def _lines(origins: Sequence[Origin], talk: Talk) -> str:
    """The lines as they stand, as many as fit into a quarter of the room."""
    rows: list[str] = []
    room = talk.room // 4
    for one in origins[:_MOST_LINES]:
        row = printable_bytes(f"{one.line} ({one.evidence}) {one.text[:_LONGEST_LINE]}")
        room -= talk.count(row) + 1
        if room < 0:
            break
        rows.append(row)
    return data("The lines now, each with the evidence that wrote it", "\n".join(rows)) if rows else ""


def _question(asked: Asked, exhibits: Sequence[Exhibit]) -> str:
    path = printable_bytes(asked.path)
    if asked.kind == "lines":
        where = f"line {asked.first}" if asked.first == asked.last else f"lines {asked.first} to {asked.last}"
        named = f" ({asked.symbol})" if asked.symbol else ""
        return f"Why is {where} of {path}{named} as it is?"
    if asked.kind == "path":
        return f"How did {path} come to be as it is, and why?"
    if asked.kind == "commit":
        subject = next((one.id for one in exhibits if one.oid == asked.commit), "it")
        return f"What did {subject} do, why, and what became of it?"
    return "What do the steps of the plan do, and why?" if asked.kind == "plan" else "What changed, and why?"
