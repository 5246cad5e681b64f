"""Counting tokens without a tokenizer, and telling from a server's count that it did not read everything.

Upper estimate for what must fit, lower bound for what must have been read. The lower bound holds for every tokenizer
in use: none joins two words across white space into one token.
"""

from __future__ import annotations

import re

# Sizes of context that are asked for. Few, because a server loads the model anew for each other one.
SIZES = (2048, 4096, 8192, 16384, 32768, 65536, 131072)
# A word is a token for each five letters begun; a digit, a sign, a run of line ends, of spaces or of rules is one.
_PIECE = re.compile(r"[^\W\d_]{1,5}|\d|_+|[-=+*#~/.]{2,6}|[^\w\s]|\n+|[ \t]{2,}")
_FOREIGN = re.compile("[^\x00-\u02ff]")
_TELLING = 1000


def estimate(text: str) -> int:
    """How many tokens ``text`` has at most, for code and English prose in the tokenizers of today's models."""
    count = len(_PIECE.findall(text)) + 4
    # A character beyond Latin may be a token of its own, or two.
    return count if text.isascii() else count + len(_FOREIGN.findall(text))


def at_least(text: str) -> int:
    """How many tokens ``text`` has at the very least: one a word."""
    return len(text.split())


def was_cut(text: str, read: int, wrote: int, context: int) -> bool:
    """Whether a server that counted ``read`` tokens cannot have read the whole of ``text``. 0 says nothing."""
    if read <= 0:
        return False
    thin = len(text) > _TELLING and read * 3 < estimate(text)
    return thin or read < at_least(text) or read >= context or read + wrote > context


def size_for(wanted: int, offered: int) -> int:
    """The fixed size that holds ``wanted`` tokens, at most what the model offers (0: not known)."""
    top = offered or SIZES[-1]
    fits = [size for size in SIZES if size <= top]
    return next((size for size in fits if size >= wanted), fits[-1] if fits else top)
