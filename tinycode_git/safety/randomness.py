"""Whether a value was drawn from an alphabet, as issuers draw tokens, or is made of words.

Loaded by ``checks`` when a rule first names one of these.
"""

from __future__ import annotations

import re
from itertools import pairwise

from tinycode_git.safety.checks import check, digits, hexadecimal, not_placeholder, uuid

# The letters that most often follow each letter in the words of English and of programs: 230 of 676 pairs make nine
# tenths of the pairs in words, and a third of those in letters that were drawn.
_FOLLOWERS = (
    "abcdgilmnprstuvy baeilorsu cacehiklortu dadeilorsu eabcdefgilmnoprstvwxy faefiloru gaehinrs haeiot"
    " iabcdefglmnoprstvz keis ladeilostuy mabeimopsu nacdefgiknostuv oabcdfgilmnoprstuvw paeiloprstu qu"
    " racdegilmnorstuy sacehilopstuy tacefhilorstuy uabcefilmnprst vaei waeio xpt yps ze"
)
_USUAL = frozenset(group[0] + letter for group in _FOLLOWERS.split() for letter in group[1:])
_WORDY = 0.62
_LEAST, _ALONE = 12, 16
_PART = re.compile(rb"[A-Za-z0-9]+")


@check("random")
def random(value: bytes) -> bool:
    """Drawn from an alphabet, as far as one value can show it: no words, identifier, number or date.

    One part (what stands between punctuation) has to be long enough to tell. A UUID counts (RFC 9562).
    """
    if uuid(value):
        return len(set(value)) > 8
    parts = _PART.findall(value)
    if len(parts) > 1 and max(map(len, parts)) >= _LEAST and _drawn(b"".join(parts)):
        return True
    return any(len(part) >= _ALONE and _drawn(part) for part in parts)


@check("key-shaped")
def key_shaped(value: bytes) -> bool:
    """Of a key's form, drawn or invented: sixteen letters and figures in one part or several, or a UUID; no words."""
    if uuid(value):
        return True
    parts = _PART.findall(value)
    whole = b"".join(parts)
    joined = [whole] if len(parts) > 1 and max(map(len, parts)) >= _LEAST else []
    return any(len(part) >= _ALONE and _invented(part) for part in [*parts, *joined])


def _invented(part: bytes) -> bool:
    """Whether letters and figures could be meant as a key: figures among them, or letters that make no words."""
    if len(set(part)) < 6 or part.isdigit():
        return False
    figures = digits(part)
    if figures * 4 >= len(part):
        return sum((48 <= a <= 57) != (48 <= b <= 57) for a, b in pairwise(part)) > 1 or _wordiness(part) < 0.8
    return _wordiness(part) < (0.8 if figures >= 2 else 0.5)


@check("invented-token")
def invented_token(value: bytes) -> bool:
    """A prefix that says token, key or issuer, and a body of a key's form, be it one that was typed."""
    found = _PREFIX.match(value)
    prefix = found[0] if found else b""
    body = b"".join(_PART.findall(value[len(prefix) :]))
    if not prefix or len(body) < _ALONE or _DIGEST.search(prefix) or not _invented(body):
        return False
    return bool(_TOKEN.search(prefix) or _ISSUED.match(prefix)) and len(set(body)) >= 8


@check("typed-token")
def typed_token(value: bytes) -> bool:
    """A short prefix, and a long body that is one part with a run of the alphabet or of the figures in it."""
    body = max(_PART.findall(value.partition(b"=")[0]), key=len, default=b"")
    start = value.find(body)
    head = value[:start] or body[:4]
    if len(body) < 20 or len(head) < 2 or _DIGEST.search(head) or b"://" in value:
        return False
    run = re.search(rb"(?i)abcdefgh|bcdefghi|12345678|23456789|01234567|a1b2c3d4", body)
    return run is not None and (start > 0 or run.start() > 1) and len(set(body)) >= 10


@check("issued-token")
def issued_token(value: bytes) -> bool:
    """A prefix that names a token, and a random body of twenty characters or more.

    A prefix that says "token" (``sk``, ``live`` ...) is enough for any body; another one needs a body of both cases and
    figures, or of 28 characters and more after a short name and ``_``, and must not be what stands before digests
    (``sha256-``, ``bundle.``).
    """
    prefix, body = _parted(value)
    plain = b"".join(_PART.findall(body))
    if not prefix or _DIGEST.search(prefix) or len(plain) < 20 or digits(plain) < 2 or not random(body):
        return False
    if not not_placeholder(plain):
        return False
    return bool(_TOKEN.search(prefix)) or _cases(plain) == 2 or bool(_NAMED.fullmatch(value))


@check("both-cases")
def both_cases(value: bytes) -> bool:
    """Capital and small letters and three figures or more: no digest, no UUID."""
    return _cases(value) == 2 and digits(value) >= 3


_TOKEN = re.compile(
    rb"(?i)(?:\A|[_.:-])[a-z]{0,4}(?:live|test|prod|production|sandbox|dev|staging|pats?|pk|sk|rk|ak|keys?|api|tok|token"
    rb"|secret|sec|auth|oauth|bot|user|org|svc|srv|service|access|refresh|session|personal|v\d)[_.:-]"
)
_NAMED = re.compile(rb"[A-Za-z][A-Za-z0-9]{1,7}_[a-z0-9]{28,80}")
# Prefixes by which issuers name their tokens, where no word in them says so.
_ISSUED = re.compile(
    rb"(?:gh[opsur]|github_pat|gl[a-z]{2,6}|xox[a-z]|xapp|hf|r8|gsk|npm|pypi|shp[a-z]{2,3}|dop_v1|do[or]_v1|hv[sbr]|sg"
    rb"|lin_(?:api|oauth)|ntn|nrak|nr[a-z]{2}|pmak|pul|dckr|rubygems|figd|sntry[su]|glsa|glc|dp\.[a-z]{2,5}|atl|fo1|nvapi"
    rb"|pplx|xai|csk|tvly|fc|re|whsec|sq0[a-z]{3}|rzp|pscale|sb[pm]|napi|tskey|ops|phc|phx|dt0[a-z]\d\d|e2b|apify|jina"
    rb"|lsv2|nfp|rnd|vcp|vck|bkua|sgp|squ|sqp|sqa|snyk|flwseck|xkeysib|mlsn|pat-na1|pat-eu1|eu1|na1|ey)[_.:-]",
    re.IGNORECASE,
)
_DIGEST = re.compile(
    rb"(?i)sha\d|md5|hash|digest|commit|rev|build|chunk|bundle|asset|cache|etag|blob|tree|index|main|app[._-]|vendor|img"
    rb"|icon|image|file|uuid|guid|layer|integrity|boundary|upload|tmp|temp|www|http|cdn|css|js[._-]"
)
_PREFIX = re.compile(rb"(?:[A-Za-z][A-Za-z0-9]{0,14}[_.:-]){1,4}")


def _parted(value: bytes) -> tuple[bytes, bytes]:
    """Prefix and body: the prefix is made of the words at the start, the body of the rest."""
    found, end = _PREFIX.match(value), 0
    for part in re.finditer(rb"([A-Za-z0-9]+)[_.:-]", found[0] if found else b""):
        if len(part[1]) >= 10 and _drawn(part[1] * 2):
            break
        end = part.end()
    return value[:end], value[end:]


def _drawn(part: bytes) -> bool:
    """Whether letters and figures without punctuation look drawn."""
    size, figures = len(part), digits(part)
    if size < _LEAST or len(set(part)) < 7 or figures > size * 0.92:
        return False
    if hexadecimal(part) and figures * 4 >= size:
        return size >= _ALONE
    changes = sum((48 <= a <= 57) != (48 <= b <= 57) for a, b in pairwise(part))
    if figures and changes < 3 and size < 24:
        return False
    return _wordiness(part) < _WORDY and (figures > 0 or (size >= 20 and _cases(part) == 2))


def _wordiness(part: bytes) -> float:
    """How many of the pairs of letters are usual in words; 0 where there are few pairs."""
    text = part.decode("ascii", "replace")
    pairs = [(a + b).lower() for a, b in pairwise(text) if a.isalpha() and b.isalpha()]
    return sum(pair in _USUAL for pair in pairs) / len(pairs) if len(pairs) > 3 else 0.0


def _cases(part: bytes) -> int:
    return bool(re.search(rb"[A-Z]", part)) + bool(re.search(rb"[a-z]", part))
