"""Sentences of a model held against the evidence that they cite; what is not borne out is removed and counted. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from tinycode_git.history.claims import Claim
from tinycode_git.history.exhibits import Did, Exhibit
from tinycode_git.history.plainwords import REASONS
from tinycode_git.history.support import Corpus, foreign_words, has_any, negated, squeezed, unsupported_name

# An inference goes beyond its evidence; with more than one new word in four it is about something else.
MOST_FOREIGN = 0.25
_LEAST_QUOTE = (3, 12)


class Kind(StrEnum):
    """Whether a commit says it in its own words, or somebody concluded it from what it did."""

    STATED = "stated"
    INFERRED = "inferred"


class Why(StrEnum):
    """Why a sentence was removed."""

    FORM = "it is no sentence of the form asked for"
    NO_EVIDENCE = "it cites evidence that does not exist"
    NOT_SHOWN = "it cites a commit that it was not shown"
    NOT_ANCESTOR = "it cites a commit that is no ancestor"
    NOT_TOUCHING = "it cites a commit that does not touch what was asked about"
    QUOTE = "its quote is not in the message or diff of what it cites"
    NAME = "it names what no evidence it cites has"
    DEED = "it says of a commit what the commit did not do"
    WORDS = "it speaks of what no evidence it cites speaks of"
    NEGATION = "it denies what no message it cites denies"
    ORDER = "it tells the reader what to do"
    HIDDEN = "it carries characters that act or hide"
    AGAIN = "it says the same again"


@dataclass(frozen=True, slots=True)
class Sentence:
    """What survived. ``quote`` stands verbatim in the message or diff of ``quoted`` (an oid); empty: none was given."""

    text: str
    kind: Kind
    cites: tuple[str, ...]
    oids: tuple[str, ...]
    quote: str = ""
    quoted: str = ""


@dataclass(frozen=True, slots=True)
class Removed:
    """What did not, and why; ``what`` is the word, id or quote that it failed by."""

    text: str
    cites: tuple[str, ...]
    why: Why
    what: str = ""


@dataclass(frozen=True, slots=True)
class Prose:
    """The answer of ``model`` as far as it holds. ``says_why``: some message that it quotes states a reason.

    ``demoted`` counts the sentences that were called stated and are shown as inferred; ``shown`` the commits that the
    model had before it, ``left_out`` those of the evidence that did not fit; ``cut``: the answer broke off.
    """

    model: str
    sentences: tuple[Sentence, ...]
    removed: tuple[Removed, ...]
    demoted: int = 0
    says_why: bool = False
    shown: int = 0
    left_out: int = 0
    cut: bool = False

    def reasons(self) -> list[tuple[Why, int]]:
        """How many were removed for which reason, the most frequent first."""
        return Counter(one.why for one in self.removed).most_common()


@dataclass(frozen=True, slots=True)
class Bench:
    """What sentences are held against: exhibits by id, ids that were shown, and whether a text shows as it is."""

    exhibits: Mapping[str, Exhibit]
    shown: frozenset[str]
    visible: Callable[[str], bool]


class _Fails(Exception):
    def __init__(self, why: Why, what: str = "") -> None:
        super().__init__(why)
        self.why, self.what = why, what


def held(claims: Iterable[Claim], bench: Bench) -> tuple[tuple[Sentence, ...], tuple[Removed, ...], int]:
    """The sentences that hold, what was removed, and how many were demoted from stated to inferred."""
    kept: list[Sentence] = []
    removed: list[Removed] = []
    demoted = 0
    for claim in claims:
        try:
            sentence = _held(claim, bench)
            if any(one.text.casefold() == sentence.text.casefold() for one in kept):
                raise _Fails(Why.AGAIN)
        except _Fails as fails:
            removed.append(Removed(claim.text, claim.cites, fails.why, fails.what))
            continue
        kept.append(sentence)
        demoted += claim.stated and sentence.kind is Kind.INFERRED
    return tuple(kept), tuple(removed), demoted


def says_why(sentences: Sequence[Sentence], exhibits: Mapping[str, Exhibit]) -> bool:
    """Whether one of the sentences quotes a message where it gives a reason: in its body, or with a word for it."""
    by_oid = {one.oid: one for one in exhibits.values()}
    return any(
        one.kind is Kind.STATED and _gives_reason(one.quote, by_oid[one.quoted].message)
        for one in sentences
        if one.quoted in by_oid
    )


def _gives_reason(quote: str, message: str) -> bool:
    body = message.lstrip("\n").partition("\n")[2]
    return has_any(quote, REASONS) or Corpus(body).quotes(quote)


def _held(claim: Claim, bench: Bench) -> Sentence:
    if not bench.visible(claim.text) or not bench.visible(squeezed(claim.quote)):
        raise _Fails(Why.HIDDEN)
    cited = _cited(claim, bench)
    text = _without_ids(claim, cited)
    order = _order(text) or _first_match(claim.quote, _COMMAND, _MODEL)
    if order:
        raise _Fails(Why.ORDER, order)
    quoted = _quoted(claim, cited)
    _check_words(text, cited)
    if _first_match(claim.quote, _READER, _IMPERATIVE):
        quoted = None  # a commit may say so; it is not repeated to who reads
    stated = claim.stated and quoted is not None and _is_stated(text, claim.quote, quoted)
    kind = Kind.STATED if stated else Kind.INFERRED
    oids = tuple(one.oid for one in cited)
    ids = tuple(one.id for one in cited)
    return Sentence(text, kind, ids, oids, claim.quote if quoted else "", quoted.oid if quoted else "")


def _cited(claim: Claim, bench: Bench) -> list[Exhibit]:
    if not claim.cites:
        raise _Fails(Why.NO_EVIDENCE)
    found = []
    for name in claim.cites:
        one = bench.exhibits.get(name)
        if one is None:
            raise _Fails(Why.NO_EVIDENCE, name)
        if one.problem:
            raise _Fails(Why.NOT_ANCESTOR if "ancestor" in one.problem else Why.NOT_TOUCHING, name)
        if name not in bench.shown:
            raise _Fails(Why.NOT_SHOWN, name)
        found.append(one)
    return found


_BRACKETED = re.compile(r"\s*[\[(]\s*((?:E\d+)(?:\s*(?:,|and|;)\s*E\d+)*)\s*[\])]")
_ID = re.compile(r"\bE\d+\b")


def _without_ids(claim: Claim, cited: Sequence[Exhibit]) -> str:
    """The text with ids in brackets taken out (they stand behind it anyway) and others as the commit's oid."""
    oids = {one.id: one.oid for one in cited}

    def named(match: re.Match[str]) -> str:
        # An "E1" that no evidence id is may be a word of the evidence itself.
        return oids[match[0]][:9] if match[0] in oids else match[0]

    text = claim.text
    for match in _BRACKETED.finditer(claim.text):
        if all(name in oids for name in _ID.findall(match[1])):
            text = text.replace(match[0], "")
    return squeezed(_ID.sub(named, text))


def _quoted(claim: Claim, cited: Sequence[Exhibit]) -> Exhibit | None:
    """The exhibit that has the quote, its message before its diff; None where none is given."""
    if not claim.quote:
        return None
    # A quote of three letters stands everywhere.
    if len(squeezed(claim.quote)) < 3:
        raise _Fails(Why.QUOTE, claim.quote)
    for one in cited:
        if Corpus(one.message).quotes(claim.quote):
            return one
    for one in cited:
        if one.rows.quotes(claim.quote) or Corpus(one.diff).quotes(claim.quote):
            return one
    raise _Fails(Why.QUOTE, claim.quote)


def _check_words(text: str, cited: Sequence[Exhibit]) -> None:
    corpus = Corpus("\n".join(one.corpus.text for one in cited))
    name = unsupported_name(text, corpus)
    if name:
        raise _Fails(Why.NAME, name)
    deed = _undone(text, cited)
    if deed:
        raise _Fails(Why.DEED, deed)
    if negated(text) and not any(negated(one.message) for one in cited):
        raise _Fails(Why.NEGATION)
    foreign, carrying = foreign_words(text, corpus)
    if foreign and len(foreign) > carrying * MOST_FOREIGN:
        raise _Fails(Why.WORDS, foreign[0])
    if not carrying:
        raise _Fails(Why.WORDS)


def _is_stated(text: str, quote: str, quoted: Exhibit) -> bool:
    """Whether a message says it: the quote is a phrase of the message (not of a trailer or the diff), the sentence
    brings no word of its own, denies only what the quote denies, and gives a reason only where the quote may."""
    words, letters = _LEAST_QUOTE
    if len(quote.split()) < words or len(quote) < letters or not quoted.said.quotes(quote):
        return False
    if unsupported_name(text, quoted.said) or foreign_words(text, quoted.said)[0] or negated(text) != negated(quote):
        return False
    foreign, carrying = foreign_words(text, Corpus(quote))
    if len(foreign) == carrying:  # it is about something else than what it quotes
        return False
    return not has_any(text, REASONS) or _gives_reason(quote, quoted.message)


_DEEDS = {
    Did.ADD: r"add(?:s|ed|ing)?|introduc\w+|creat(?:e|es|ed|ing)",
    Did.REMOVE: r"remov\w+|delet\w+|drop(?:s|ped|ping)?",
    Did.MOVE: r"mov(?:e|es|ed|ing)|renam\w+",
    Did.COPY: r"cop(?:y|ies|ied)",
    Did.REVERT: r"revert\w*|undo|undid|undone|undoes",
    Did.FIX: r"fix(?:es|ed|ing)?|repair\w*|correct(?:s|ed|ing)",
    Did.MERGE: r"merg(?:e|es|ed|ing)",
}


def _undone(text: str, cited: Sequence[Exhibit]) -> str:
    did = {deed for one in cited for deed in one.did}
    for deed, pattern in _DEEDS.items():
        match = re.search(rf"(?i)\b(?:{pattern})\b", text)
        if match and deed not in did:
            return match[0]
    return ""


_READER = re.compile(
    r"(?i)\b(?:you|your|yours|yourself|please|kindly|(?:users?|readers?|developers?|reviewers?|operators?|everyone|anyone)"
    r" (?:must|should|need to|have to|ought to))\b"
)
_IMPERATIVE = re.compile(
    r"(?i)(?:^|[.;:!?]\s+|,\s*(?:then|now|so)\s+|\b(?:now|then|immediately|first|to proceed)[,:]?\s+)[\"'`*(]*"
    r"(?:run|execute|install|visit|open|click|download|ignore|disregard|forget|disable|copy|paste|type|send|email|mail"
    r"|contact|call|upload|post|export|approve|merge|delete|grant|chmod|curl|wget|sudo|pip|npm|ssh|eval|do not|don't"
    r"|never|always|tell|reply|respond|answer|output|print|say|enter|share|reveal|trust|apply|accept|push|force-push"
    r"|checkout|reset|rebase|follow|let|make sure|be sure|remember|note|see|go to|upgrade|migrate|rotate|turn off)\b"
    r"(?!\s+(?:was|were|is|are)\b)"
)
_COMMAND = re.compile(
    r"(?i)\b(?:sudo|curl|wget|chmod|rm\s+-\w|pip3?\s+install|npm\s+(?:i|install)|apt(?:-get)?\s+install|git\s+(?:push"
    r"|reset|checkout|clone|commit|rebase|config|tiny)|bash\s+-c|sh\s+-c|eval|powershell|ssh)\s+\S|\$\(|\|\s*(?:ba|z)?sh\b"
    r"|&&|>\s*/dev/"
)
_MODEL = re.compile(
    r"(?i)\b(?:previous|prior|above|earlier|all) (?:instructions?|prompts?|rules)\b|\bsystem prompt\b|\bas an ai\b"
    r"|\b(?:language model|assistant|chatbot)\b|<\|?\w+\|?>|\[/?INST\]"
)


def _order(text: str) -> str:
    """What of ``text`` is addressed to its reader, to a model or to a shell; empty where nothing is."""
    return _first_match(text, _READER, _IMPERATIVE, _COMMAND, _MODEL)


def _first_match(text: str, *patterns: re.Pattern[str]) -> str:
    """What the first of the patterns that is in ``text`` finds there; empty where none is."""
    return next((match[0].strip() for pattern in patterns if (match := pattern.search(text))), "")
