"""Canonical JSON (RFC 8785): one sequence of bytes for one value.

The standard library's encoder gives the same bytes as RFC 8785 for everything except floats, integers that a double
cannot hold, and object keys beyond ASCII (RFC 8785 sorts by UTF-16 unit, Python by code point). Those go to the
``rfc8785`` package, which also says what has no canonical form.
"""

from __future__ import annotations

import json
from typing import Any

from tinycode_git.errors import UsageError

LARGEST_INTEGER = 2**53 - 1

encode = json.JSONEncoder(
    ensure_ascii=False, check_circular=False, allow_nan=False, sort_keys=True, separators=(",", ":")
).encode


def canonical(value: Any) -> bytes:
    """The RFC 8785 bytes of ``value``. Raises UsageError where it has none (NaN, lone surrogates, other types)."""
    try:
        if is_plain(value):
            return encode(value).encode("utf-8")
        import rfc8785

        return rfc8785.dumps(value)
    except (RecursionError, ValueError) as odd:
        # rfc8785's own errors and UnicodeEncodeError are ValueErrors.
        raise UsageError(f"a value has no canonical JSON form: {odd}") from odd


def is_plain(value: Any) -> bool:
    """Whether the standard library's encoder gives the RFC 8785 bytes of ``value``."""
    kind = type(value)
    if kind is str or kind is bool or value is None:
        return True
    if kind is int:
        return abs(int(value)) <= LARGEST_INTEGER
    if kind is dict:
        return all(type(key) is str and key.isascii() and is_plain(member) for key, member in value.items())
    if kind is list or kind is tuple:
        return all(map(is_plain, value))
    return False
