"""Whether the words of a sentence are borne out by a text. Pure: text in, the first word that is not, out.

What is looked at is what can be: names, paths, numbers, addresses, quoted words, negations and the ordinary words that
carry a sentence's meaning. That the words stand together as the text has them, nobody can check this way: hence the
quote, which is shown.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from tinycode_git.history.plainwords import NEGATIONS, NUMBERS, PLAIN

_ADDRESS = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.-]*://|www\.)\S+|[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_MARKED = re.compile(r"`([^`]+)`|\"([^\"]+)\"|“([^”]+)”|«([^»]+)»|(?<!\w)'([^']{2,})'(?!\w)|‘([^’]+)’")
_EDGES = ".,;:!?()[]{}<>\"'`“”‘’«»*"
_WORD = re.compile(r"[^\W\d_]+(?:'[a-z]{1,2})?")
_INNER = re.compile(r"[\d_/\\.:@#$%&=+<>~^|*(){}\[\]]|->")
_CAPITALS = re.compile(r"[^\W\d_][^\W_]*[A-Z]")
_SUFFIXES = (
    *("izations", "ization", "ations", "ation", "ments", "ment", "ings", "ing", "edly", "ied", "ies", "ers", "ors"),
    *("ions", "ion", "ly", "ed", "er", "or", "es", "s", "e", "y"),
)


@dataclass(frozen=True)
class Corpus:
    """A text that sentences are held against."""

    text: str

    @cached_property
    def folded(self) -> str:
        """Case and white space aside."""
        return squeezed(self.text).casefold()

    @cached_property
    def stems(self) -> frozenset[str]:
        """The stems of its words; of names, those of their parts as well."""
        return frozenset(stem(word) for word in _parts(self.text))

    @cached_property
    def flat(self) -> str:
        """White space aside."""
        return squeezed(self.text)

    def has(self, token: str) -> bool:
        """Whether it has these characters, case aside, as a whole and not as part of a longer name or number."""
        return _stands(squeezed(token).casefold(), self.folded)

    def quotes(self, quote: str) -> bool:
        """Whether it has these very characters, case included, as whole words."""
        return _stands(squeezed(quote), self.flat)


def _stands(wanted: str, text: str) -> bool:
    if not wanted:
        return False
    first, last = wanted[0], wanted[-1]
    before = r"(?<!\w)(?<!\d[.,])" if first.isdigit() else r"(?<!\w)" if first.isalpha() or first == "_" else ""
    after = r"(?!\w)(?![.,]\d)" if last.isdigit() else r"(?!\w)" if last.isalpha() or last == "_" else ""
    return re.search(before + re.escape(wanted) + after, text) is not None


def squeezed(text: str) -> str:
    """``text`` with every run of white space as one space."""
    return " ".join(text.split())


_CAMEL = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[^\W\d_]+")


def _parts(text: str) -> Iterator[str]:
    for word in _WORD.findall(text):
        yield word.casefold()
        if not word.islower():
            yield from (part.casefold() for part in _CAMEL.findall(word))


def stem(word: str) -> str:
    """What forms of a word share, roughly: ``limits``, ``limited`` and ``limiting`` are ``limit``."""
    word = word.casefold().split("'")[0]
    for suffix in _SUFFIXES:
        if word.endswith(suffix) and len(word) - len(suffix) >= 3:
            word = word[: -len(suffix)]
            break
    if len(word) > 3 and word[-1] == word[-2]:
        word = word[:-1]
    return word


def unsupported_name(text: str, corpus: Corpus) -> str:
    """The first name, path, number, address or quoted text of ``text`` that ``corpus`` has not; empty where it has all.

    Words with letters beyond ASCII count as names: they must stand there as they are, so that a look-alike is caught.
    """
    for match in _ADDRESS.finditer(text):
        if not corpus.has(match[0].rstrip(_EDGES)):
            return match[0]
    text = _ADDRESS.sub(" ", text)
    for match in _MARKED.finditer(text):
        marked = next(group for group in match.groups() if group is not None)
        if not corpus.has(marked.strip(_EDGES + " ")):
            return marked
    return next((token for token in _named(_MARKED.sub(" ", text)) if not _borne(token, corpus, text)), "")


def _borne(token: str, corpus: Corpus, text: str) -> bool:
    if text.startswith(token) and token.istitle() and token.isascii() and token.isalpha():
        return stem(token) in corpus.stems  # a capital at the beginning may be that of any word
    return corpus.has(token) or corpus.has(NUMBERS.get(token.casefold(), token))


def _named(text: str) -> Iterator[str]:
    for at, raw in enumerate(text.split()):
        token = raw.strip(_EDGES).removesuffix("'s")
        if not token:
            if any(not char.isascii() or char.isalnum() for char in raw):
                yield raw
        elif _is_name(token, first=at == 0):
            yield token


def _is_name(token: str, *, first: bool) -> bool:
    if token[0].isupper() and not (first and _plain(token.casefold())):
        return True
    inner = _INNER.search(token) is not None and not _either(token)
    return inner or not token.isascii() or _CAPITALS.search(token) is not None or token.casefold() in NUMBERS


def _either(token: str) -> bool:
    """``and/or``, ``added/removed``: two plain words."""
    return all(_plain(word) for word in token.split("/"))


def negated(text: str) -> bool:
    """Whether ``text`` has a word that turns a statement round."""
    return any(word in NEGATIONS or word.endswith("n't") for word in _words(text))


def _words(text: str) -> Iterator[str]:
    return (word.casefold() for word in _WORD.findall(text.replace("’", "'")))


def foreign_words(text: str, corpus: Corpus) -> tuple[list[str], int]:
    """The ordinary words of ``text`` that neither explain (PLAIN) nor occur in ``corpus``, and how many words carry
    meaning in all."""
    bare = _MARKED.sub(" ", _ADDRESS.sub(" ", text))
    carrying = [word for word in _words(bare) if len(word) > 2 and not _plain(word)]
    marked = len(_MARKED.findall(text)) + len(_ADDRESS.findall(text))
    return [word for word in carrying if stem(word) not in corpus.stems], len(carrying) + marked


def _plain(word: str) -> bool:
    return word in PLAIN or word in NEGATIONS or word in NUMBERS or word.split("'")[0] in PLAIN


def has_any(text: str, words: Iterable[str]) -> bool:
    """Whether ``text`` has one of ``words``."""
    wanted = frozenset(words)
    return any(word in wanted for word in _words(text))
