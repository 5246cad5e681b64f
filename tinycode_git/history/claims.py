"""What a model says of evidence, before anything of it is believed: the form that is asked for, and what is read.

The form bounds every list and string and offers the evidence ids as an enumeration. A server may not honour it, so
everything is looked at again here, and what is no sentence of that form is counted.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

MOST_SENTENCES = 12
MOST_CITES = 4
MOST_TEXT, MOST_QUOTE = 300, 240
_LONGEST_ANSWER = 200_000
_ID = re.compile(r"[A-Za-z]{1,3}\d{1,6}\Z")


@dataclass(frozen=True, slots=True)
class Claim:
    """One sentence as a model gave it: what it says, the evidence ids that it names, a quote (empty: none)."""

    text: str
    cites: tuple[str, ...]
    quote: str = ""
    stated: bool = False


@dataclass(frozen=True, slots=True)
class Read:
    """The claims of an answer, how many pieces of it were no claim, and whether it is JSON to its end."""

    claims: tuple[Claim, ...]
    malformed: int = 0
    whole: bool = True


def claim_schema(ids: Sequence[str]) -> Mapping[str, Any]:
    """The JSON schema of an answer that may cite ``ids``."""
    sentence = {
        "text": {"type": "string", "minLength": 10, "maxLength": MOST_TEXT},
        "cites": {"type": "array", "minItems": 1, "maxItems": MOST_CITES, "items": {"type": "string", "enum": [*ids]}},
        "quote": {"type": "string", "maxLength": MOST_QUOTE},
        "kind": {"type": "string", "enum": ["stated", "inferred"]},
    }
    item = {"type": "object", "properties": sentence, "required": list(sentence), "additionalProperties": False}
    return {
        "type": "object",
        "properties": {"sentences": {"type": "array", "maxItems": MOST_SENTENCES, "items": item}},
        "required": ["sentences"],
        "additionalProperties": False,
    }


def read_claims(text: str) -> Read:
    """The claims in an answer, whatever stands around them. Of an answer that breaks off, what is whole is kept."""
    text = text[:_LONGEST_ANSWER]
    at = text.find("{")
    if at < 0:
        return Read((), 1 if text.strip() else 0, whole=False)
    whole = True
    try:
        found, _ = json.JSONDecoder().raw_decode(text, at)
        rows = found.get("sentences") if isinstance(found, dict) else None
    except (ValueError, RecursionError):
        rows, whole = list(_salvaged(text)) or [None], False
    if not isinstance(rows, list):
        return Read((), 1, whole=whole)
    claims = [_claim(row) for row in rows[:MOST_SENTENCES]]
    good = tuple(claim for claim in claims if claim is not None)
    return Read(good, len(rows) - len(good), whole)


def _salvaged(text: str) -> Iterator[Any]:
    """The objects of the list that is whole before the answer breaks off; what broke off counts as one."""
    decoder = json.JSONDecoder()
    at = text.find("[")
    while at >= 0 and (at := text.find("{", at)) >= 0:
        try:
            found, at = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            yield None
            return
        yield found


def _claim(row: Any) -> Claim | None:
    if not isinstance(row, dict):
        return None
    text, cites, quote, kind = (row.get(key) for key in ("text", "cites", "quote", "kind"))
    if not isinstance(text, str) or not isinstance(cites, list) or kind not in ("stated", "inferred"):
        return None
    if not isinstance(quote, str | None) or not text.strip() or len(text) > MOST_TEXT or len(quote or "") > MOST_QUOTE:
        return None
    if len(cites) > MOST_CITES or not all(isinstance(one, str) and _ID.match(one) for one in cites):
        return None
    return Claim(text.strip(), tuple(dict.fromkeys(cites)), (quote or "").strip(), kind == "stated")
