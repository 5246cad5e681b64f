"""Placeholders for code that an answer leaves out (``# ... rest of the code ...``): found, so that none is written."""

from __future__ import annotations

import re
from collections.abc import Sequence

from tinycode_git.edits.lines import split_lines

_LONGEST = 200
_COMMENT = re.compile(r"(?:#+|//+|/\*+|\*|<!--+|\{/\*|--+|;+|%+|\(\*|'''|\"\"\"|REM\b|\.\.(?= ))\s*", re.IGNORECASE)
_CLOSE = re.compile(r"\s*(?:\*+/\}?|--+>|\*\)|'''|\"\"\"|#+)\Z")
_DOTS = r"(?:\.{3,}|…)"
_ONLY_DOTS = re.compile(rf"[\[(<{{]?\s*{_DOTS}\s*[\])>}}]?;?\Z")
_WHAT = (
    r"(?:rest|remain(?:s|ing|der)?|existing|unchanged|same|previous|earlier|other|omitted|elided|truncated|snip(?:ped)?|"
    r"as before|as above|keep|continue[sd]?|no changes?|unmodified|untouched|left as|the code|your code|code here|"
    r"methods?|functions?|imports?|implementation|content|etc)"
)
_DOTTED = re.compile(rf"(?:[\[(<]\s*)?{_DOTS}\s*.*\b{_WHAT}\b|.*\b{_WHAT}\b.*{_DOTS}\s*[\])>]?\Z", re.IGNORECASE)
_PLAIN = re.compile(
    r"[\[(<]?\s*(?:the )?(?:"
    r"(?:rest|remainder) of (?:the |your |this |existing )*(?:\w+ )?"
    r"(?:file|code|class|function|method|methods|functions|module|content|contents|implementation|script|component|imports)"
    r"|(?:existing|previous|other|remaining|unchanged|original) "
    r"(?:code|methods|functions|imports|content|implementation|logic|lines|fields|tests|routes|styles|rules)"
    r"(?: here| goes here| above| below| unchanged| stays?| remains?.*)?"
    r"|(?:code|content|file|lines|section) (?:omitted|unchanged|truncated|elided|remains? (?:the same|unchanged))"
    r"|(?:unchanged|omitted|snip|snipped|truncated|no changes?|same as before|as before)"
    r")(?: (?:is|are|stays?|remains?|goes|here|unchanged|the same|as is|as before|above|below|for brevity|omitted))*"
    r"\s*[\])>.:]*\Z",
    re.IGNORECASE,
)


def find_elision(lines: Sequence[bytes], content: bytes = b"", *, path: str = "") -> int | None:
    """The number, from 0, of the first of ``lines`` that stands for others; those of ``content`` are the file's own."""
    own: set[bytes] | None = None
    python = path.endswith((".py", ".pyi"))
    for number, line in enumerate(lines):
        if not _may_be(line) or not is_elision(line, python=python):
            continue
        if own is None:
            own = {text.strip() for text in split_lines(content)}
        if line.strip() not in own:
            return number
    return None


def _may_be(line: bytes) -> bool:
    """A quick look that almost every line of a program fails."""
    return len(line) <= _LONGEST and (b"..." in line or "…".encode() in line or _KEY.search(line) is not None)


_KEY = re.compile(
    rb"(?:#|/|<|-|;|%|\*|\[|\().{0,12}?(?:rest|remain|existing|previous|other|unchanged|original|code|content|file|"
    rb"lines|section|omitted|snip|truncated|no change|same as|as before)",
    re.IGNORECASE,
)


def is_elision(line: bytes, *, python: bool = False) -> bool:
    """Whether ``line`` only stands for code that is not there. In Python an indented ``...`` is a statement."""
    text = line.decode("utf-8", "replace")
    bare = text.strip()
    comment = _COMMENT.match(bare)
    inner = _CLOSE.sub("", bare[comment.end() :] if comment else bare).strip()
    if not comment:
        bracketed = inner[:1] in "[(<" and inner[-1:] in "])>"
        if _ONLY_DOTS.match(inner):
            return not (python and text[:1].isspace())
        if not (bracketed or inner.startswith(("...", "…"))):
            return False
    return any(pattern.match(inner) for pattern in (_ONLY_DOTS, _DOTTED, _PLAIN)) if inner else False
