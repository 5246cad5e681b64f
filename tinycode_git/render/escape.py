"""Text that came from a repository, made safe for a terminal: what could act or hide is shown as an escape.

Shown as escapes: C0 and C1 controls, bidirectional controls, zero-width and other invisible characters, line and
paragraph separators, tag characters and variation selectors (Unicode TR 36, TR 39; CVE-2021-42574), and bytes that are
not UTF-8 (surrogates of ``surrogateescape``). Ordinary text of any script stays as it is.
"""

from __future__ import annotations

import re

# Everything that moves the cursor, changes direction, joins, separates or shows nothing. Python's ``str.isprintable``
# is no measure: it calls variation selectors and Hangul fillers printable.
_ACTING = (
    "\x00-\x1f\x7f-\x9f"  # C0, DEL, C1
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"  # soft hyphen, joiners, fillers, Mongolian selectors
    "\u200b-\u200f\u2028-\u202e\u2060-\u206f"  # zero width, separators, embeddings and overrides, isolates
    "\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb"  # blank braille, fillers, selectors, byte order mark
    "\ud800-\udfff"  # surrogates: bytes that are not UTF-8
    "\U000110bd\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"  # formats, tags, selectors
)
_LINE = re.compile(f"[{_ACTING}]")
_BLOCK = re.compile(f"(?![\n\t])[{_ACTING}]")
_SHORT = {"\t": "\\t", "\n": "\\n", "\r": "\\r"}


def _shown(match: re.Match[str]) -> str:
    char = match.group()
    code = ord(char)
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    if char in _SHORT:
        return _SHORT[char]
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def visible(text: str) -> str:
    """``text`` on one line, safe to print: what acts or hides becomes ``\\x1b``, ``\\n``, ``\\u202e``."""
    return _LINE.sub(_shown, text)


def visible_block(text: str) -> str:
    """``text`` of several lines, safe to print: line feeds and tabs stay, the rest as in ``visible``."""
    return _BLOCK.sub(_shown, text)


def is_visible(text: str) -> bool:
    """Whether ``visible`` would leave ``text`` as it is."""
    return _LINE.search(text) is None
