"""Text from a repository inside of Markdown and HTML: it is shown, never obeyed."""

from __future__ import annotations

import re
from html import escape

from tinycode_git.render.escape import visible, visible_block

# CommonMark 2.4: any ASCII punctuation may be escaped by a backslash; those that begin or end something are.
_PUNCTUATION = re.compile(r"([\\`*_{}\[\]<>()#+\-!|~&@:.=])")


def html(text: str) -> str:
    """``text`` on one line as HTML, fit for an element or a quoted attribute."""
    return escape(visible(text), quote=True)


def html_block(text: str) -> str:
    """``text`` of several lines as HTML, for a ``pre`` element."""
    return escape(visible_block(text), quote=True)


def markdown(text: str) -> str:
    """``text`` on one line as Markdown that shows it: no link, mention, image, HTML or emphasis comes of it."""
    return _PUNCTUATION.sub(r"\\\1", visible(text))


def code_span(text: str) -> str:
    """``text`` as an inline code span (CommonMark 6.1): more backticks around it than it has."""
    shown = visible(text)
    longest = max((len(run) for run in re.findall("`+", shown)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if shown.startswith("`") or shown.endswith("`") or not shown.strip() else ""
    return f"{fence}{pad}{shown}{pad}{fence}" if shown else "``  ``"


def code_block(text: str) -> str:
    """``text`` as a fenced code block (CommonMark 4.5) that it cannot end."""
    shown = visible_block(text)
    longest = max((len(run) for run in re.findall("`{3,}", shown)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}\n{shown.removesuffix(chr(10))}\n{fence}\n"
