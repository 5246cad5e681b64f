"""A model's answer read against the question: what it claims of which line, and what is dropped and why.

An answer is data that may be anything. Nothing of it is believed that the lines it was shown do not bear out.
"""

from __future__ import annotations

import builtins
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from tinycode_git.dialogue import Schema
from tinycode_git.review.sheet import Part, Row

MOST = 5  # findings of one answer
_MOST_READ = 20
_LARGEST = 64 * 1024
_QUOTE, _WHAT, _WHY, _FIX, _FIX_LINES = 200, 160, 320, 600, 12
_LEAST_QUOTE = 4
KINDS = (
    *("bug", "security", "data-loss", "concurrency", "resources", "error-handling", "compatibility", "performance"),
    *("tests", "style"),
)
SEVERITIES = ("low", "medium", "high")
CERTAINTIES = {"possible": 0.5, "likely": 0.7, "certain": 0.9}
_NEEDED = frozenset(("line", "quote", "kind", "what", "why", "severity", "certainty"))
_FENCE = re.compile(r"\A\s*```(?:json)?[ \t]*\n(.*)\n```\s*\Z", re.S)


class Drop(StrEnum):
    """Why something that a model said is not shown."""

    FORM = "not in the form asked for"
    MANY = "more findings than were asked for"
    LINE = "no such line"
    QUOTE = "the quote is not on the line"
    NAME = "a name that is not there"
    FIX = "a fix that does not apply"
    BREAKS = "a fix that does not parse"
    STYLE = "style"
    TALK = "speaks to the reader, or names an address"
    ACTS = "characters that act or hide"
    TWICE = "said twice"
    KNOWN = "a rule says it already"
    FEW = "not said by most samples"


class BadAnswer(Exception):
    """An answer that is no list of findings."""


@dataclass(frozen=True, slots=True)
class Claim:
    """One thing that a model said of a line, and that the line bears out. ``fix`` replaces the line; may be empty."""

    row: Row
    kind: str
    what: str
    why: str
    severity: str
    certainty: float
    fix: str = ""


@dataclass(frozen=True, slots=True)
class Checks:
    """What the check of an answer needs from outside.

    ``plain``: whether text on one line shows what it is. ``fixed``: why a line (row, text in its place) cannot be
    replaced so: FIX or BREAKS, None where it can.
    """

    plain: Callable[[str], bool]
    fixed: Callable[[Row, str], Drop | None]


def schema_of(parts: Iterable[Part]) -> Schema:
    """The JSON schema of an answer about these parts: lines are an enumeration of their ids."""
    ids = [row.id for part in parts for row in part.rows]
    finding = {
        "line": {"type": "string", "enum": ids},
        "quote": {"type": "string", "minLength": 1, "maxLength": _QUOTE},
        "kind": {"type": "string", "enum": list(KINDS)},
        "what": {"type": "string", "minLength": 8, "maxLength": _WHAT},
        "why": {"type": "string", "minLength": 8, "maxLength": _WHY},
        "severity": {"type": "string", "enum": list(SEVERITIES)},
        "certainty": {"type": "string", "enum": list(CERTAINTIES)},
        "fix": {"type": "string", "maxLength": _FIX},
    }
    item = {"type": "object", "properties": finding, "required": sorted(_NEEDED), "additionalProperties": False}
    return {
        "type": "object",
        "properties": {"findings": {"type": "array", "maxItems": MOST, "items": item}},
        "required": ["findings"],
        "additionalProperties": False,
    }


def read_answer(text: str) -> list[object]:
    """The findings of an answer, unchecked. Raises BadAnswer where it is not one JSON object that lists them."""
    if len(text) > _LARGEST:
        raise BadAnswer("it is too long")
    fence = _FENCE.match(text)
    try:
        value = json.loads(fence[1] if fence else text, parse_constant=_no_constant, object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise BadAnswer("it is not JSON") from error
    if not isinstance(value, dict) or set(value) != {"findings"} or not isinstance(value["findings"], list):
        raise BadAnswer("it lists no findings")
    return value["findings"]


def _no_constant(name: str) -> object:
    raise ValueError(f"{name} is not JSON")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice in one object")
    return found


def judged(found: list[object], parts: Iterable[Part], checks: Checks) -> tuple[list[Claim], Counter[Drop]]:
    """What of an answer's findings holds, each line and kind once; and how many were dropped for which reason."""
    rows = {row.id: (row, part) for part in parts for row in part.rows}
    claims: dict[tuple[str, str], Claim] = {}
    dropped: Counter[Drop] = Counter()
    if len(found) > _MOST_READ:
        dropped[Drop.MANY] += len(found) - _MOST_READ
    for raw in found[:_MOST_READ]:
        claim = _judged(raw, rows, checks)
        if isinstance(claim, Drop):
            dropped[claim] += 1
        elif (claim.row.id, claim.kind) in claims:
            dropped[Drop.TWICE] += 1
        elif len(claims) == MOST:
            dropped[Drop.MANY] += 1
        else:
            claims[claim.row.id, claim.kind] = claim
    return list(claims.values()), dropped


def _judged(raw: object, rows: Mapping[str, tuple[Row, Part]], checks: Checks) -> Claim | Drop:
    fields = _fields(raw)
    if fields is None:
        return Drop.FORM
    if fields["line"] not in rows:
        return Drop.LINE
    row, part = rows[fields["line"]]
    what, why = (" ".join(fields[name].replace("\n", " ").split(" ")).strip() for name in ("what", "why"))
    if not (checks.plain(what) and checks.plain(why)):
        return Drop.ACTS
    for reason, applies in (
        (Drop.QUOTE, not _on_line(fields["quote"], row.text)),
        (Drop.TALK, talks(f"{what}. {why}")),
        (Drop.STYLE, fields["kind"] == "style" or is_style(what)),
        (Drop.NAME, any(not _known(name, part) for name in names_in(f"{what} {why}"))),
    ):
        if applies:
            return reason
    fix = _indented(fields.get("fix", ""), row.text)
    wrong = _wrong_fix(fix, row, checks) if fix else None
    if wrong is not None:
        return wrong
    certainty = CERTAINTIES[fields["certainty"]]
    return Claim(row, fields["kind"], what, why, fields["severity"], certainty, fix)


def _fields(raw: object) -> dict[str, str] | None:
    """The finding's texts; None where one is missing, is no text, is too long, or is none of its words."""
    if not isinstance(raw, dict) or not _NEEDED <= set(raw) <= _NEEDED | {"fix"}:
        return None
    if not all(isinstance(value, str) for value in raw.values()):
        return None
    for name, most in (("quote", _QUOTE), ("what", _WHAT), ("why", _WHY), ("fix", _FIX)):
        if len(raw.get(name, "")) > most:
            return None
    known = raw["kind"] in KINDS and raw["severity"] in SEVERITIES and raw["certainty"] in CERTAINTIES
    return raw if known and raw["what"].strip() and raw["why"].strip() else None


def _on_line(quote: str, text: str) -> bool:
    """Whether a quote is on the line, to the letter, and long enough to mean it."""
    bare = quote.strip()
    return bool(bare) and quote in text and (len(bare) >= _LEAST_QUOTE or bare == text.strip())


# What is said in the answer's own words.

_TICKED = re.compile(r"`+([^`]+)`+")
_QUOTED = re.compile(r"""(?<!\w)['"\u2018\u201c]([^\s'"\u2018\u2019\u201c\u201d]+)['"\u2019\u201d](?!\w)""")
_NAME = re.compile(r"[^\W\d]\w*")
_SAID = re.compile(r"""(['"]).*?\1""")
_OF_LANGUAGES = frozenset(
    re.findall(
        r"\w+",
        "null nil none undefined true false NULL nullptr this self super if else for while return try catch "
        "except finally switch case default break continue import class def function func fn let const var "
        "async await throw raise yield void int float double bool boolean string str char byte long short "
        "unsigned with in not and or is new delete Exception Error panic defer ",
    )
)


def names_in(text: str) -> Iterator[str]:
    """The names of code that a text mentions: in back quotes each word (texts inside aside), in quotes single names."""
    for ticked in _TICKED.findall(text):
        yield from _NAME.findall(_SAID.sub(" ", ticked))
    for quoted in _QUOTED.findall(_TICKED.sub(" ", text)):
        if _NAME.fullmatch(quoted.rstrip("().,;:!?")):
            yield quoted.rstrip("().,;:!?")


def _known(name: str, part: Part) -> bool:
    if name in part.names or name in _OF_LANGUAGES:
        return True
    return part.path.endswith((".py", ".pyi")) and hasattr(builtins, name)


_TALK = re.compile(
    r"""(?ix)
    \b\w+:// | \bwww\.\w | \bmailto: | \]\( | !\[
    | <\s*/?\s*(?:script|img|iframe|a|svg|style|link|form|object|embed|meta)\b
    | \S@\S+\.\w
    | \b(?:ignore|disregard|forget|override)\b .{0,40} \b(?:instruct|prompt|previous|above|rule|review)
    | \b(?:system|developer) \s prompt | \bas \s an? \s (?:ai|language \s model|assistant)
    | \b(?:please|kindly|you \s (?:must|should|need \s to|have \s to|can|may)|go \s (?:and|to)|now) [\s,]+
      (?:\w+ly \s+)? (?:run|execute|paste|type|visit|download|install|click|open|email|send|approve|merge|push|delete)\b
    | (?:^|[.!?:;]\s+) (?:run|execute|paste|visit|download|install|click|approve|merge|push)\b
    | \b(?:curl|wget)\s+(?:-|\S+\.\S) | \bsudo\s | \brm\s+-\w*[rf] | \|\s*(?:ba|z|da)?sh\b
    | \b(?:pip3?|npm|pnpm|yarn|apt|apt-get|brew|gem|cargo)\s+(?:install|add|i)\b
    | \bgit\s+(?:push|reset|commit|merge|checkout|clean|config|rebase|tiny|clone)\b
    | \b(?:lgtm|safe \s to \s merge|approved)\b
    """
)
_STYLE = re.compile(
    r"""(?ix)
    \b(?:nitpick|nit\b|code \s style|stylistic|pep[ -]?8|formatting|indentation \s is \s inconsistent
    |trailing \s whitespace|whitespace \s (?:around|before|after)|naming \s convention|camel ?case|snake[_ ]?case
    |(?:line|name) \s is \s too \s long
    |(?:should|could) \s be \s (?:renamed|named)|rename \s|more \s (?:descriptive|readable|idiomatic|pythonic|concise)
    |readability|docstring|(?:add|missing|lacks?|needs?) \s (?:an? \s)? (?:comment|type \s (?:hint|annotation))
    |typo \s in|import \s order|magic \s number|trailing \s comma|double \s quotes|single \s quotes|blank \s line)
    """
)


def talks(text: str) -> bool:
    """Whether a text tells its reader to do something beside the code, or leads away."""
    return _TALK.search(text) is not None


def is_style(text: str) -> bool:
    """Whether a text is about how the code looks, which is left to linters."""
    return _STYLE.search(text) is not None


# The fix.

_FOREIGN = re.compile(r"^[ \t]*(?:```|~~~|diff --git |\+\+\+ |--- |@@ |<<<<<<<|=======$|>>>>>>>|\*\*\* )", re.M)


def _indented(fix: str, line: str) -> str:
    """The fix under the indentation of the line, where the model left that off."""
    fix = fix.strip("\n").rstrip(" \t")
    indent = line[: len(line) - len(line.lstrip())]
    if not fix or not indent or fix[:1].isspace():
        return fix
    return "\n".join(indent + row if row.strip() else row for row in fix.split("\n"))


def _wrong_fix(fix: str, row: Row, checks: Checks) -> Drop | None:
    rows = fix.split("\n")
    if row.gone or len(rows) > _FIX_LINES or _FOREIGN.search(fix) or fix.strip() == row.text.strip():
        return Drop.FIX
    if not all(checks.plain(one.replace("\t", " ")) for one in rows):
        return Drop.ACTS
    return checks.fixed(row, fix)
