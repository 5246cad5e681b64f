"""One JSON object per command, the same whoever reads it.

Keys stand in the order in which the dataclass lists its fields; a dict keeps its own order. Enums are written by name
in lower case where they are numbers, by value where they are text. The output is ASCII: everything else is escaped, so
no locale can break it and nothing in it acts on a terminal. On a terminal it is indented, elsewhere it is one line.

Git allows any bytes in a path, JSON only Unicode. The value of a key that is ``path``, ``paths`` or ends in ``_path``
or ``_paths`` is the path itself where it is UTF-8 and does not begin with a double quote; otherwise it is quoted as git
quotes paths (``"caf\\351.txt"``, with the double quotes), which ``git update-index --stdin`` and others read back.
Anywhere else a byte that is not UTF-8 becomes U+FFFD.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from json import JSONEncoder
from pathlib import PurePath

_SURROGATE = re.compile("[\ud800-\udfff]")
_ESCAPES = {0x07: "a", 0x08: "b", 0x09: "t", 0x0A: "n", 0x0B: "v", 0x0C: "f", 0x0D: "r", 0x22: '"', 0x5C: "\\"}


# The streams that have had their object: an error after it is for stderr and the exit code alone.
written: set[int] = set()


def write(value: object) -> None:
    """Print ``value`` (a dataclass or a mapping) as the one object of this command, to stdout."""
    indent = 2 if sys.stdout.isatty() else None
    sys.stdout.write(dumps(value, indent=indent) + "\n")
    written.add(id(sys.stdout))


def dumps(value: object, *, indent: int | None = None) -> str:
    """``value`` as ASCII JSON. Raises TypeError for what has no documented form."""
    separators = (", ", ": ") if indent is None else (",", ": ")
    return JSONEncoder(indent=indent, separators=separators, allow_nan=False).encode(plain(value))


def plain(value: object, key: str = "") -> object:
    """``value`` made of dicts, lists, text, numbers, booleans and None only, as described above."""
    match value:
        case None | bool():
            return value
        case Enum():
            return value.name.lower() if isinstance(value, int) else plain(value.value)
        case int() | float():
            return value
        case str():
            return _path(value) if _is_path(key) else _text(value)
        case PurePath():
            return _path(str(value))
        case Mapping():
            return {_text(str(name)): plain(item, str(name)) for name, item in value.items()}
        case list() | tuple():
            return [plain(item, key) for item in value]
        case set() | frozenset():
            return [plain(item, key) for item in sorted(value)]
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name), field.name) for field in fields(value)}
    raise TypeError(f"{type(value).__name__} has no JSON form")


def quoted(path: str) -> str:
    """``path`` as git prints it with ``core.quotePath=false``, always quoted: octal for bytes that are not UTF-8."""
    out: list[str] = []
    for char in path:
        code = ord(char)
        if code in _ESCAPES:
            out.append("\\" + _ESCAPES[code])
        elif code < 0x20 or code == 0x7F:
            out.append(f"\\{code:03o}")
        elif 0xDC80 <= code <= 0xDCFF:
            out.append(f"\\{code - 0xDC00:03o}")
        elif 0xD800 <= code <= 0xDFFF:
            out += [f"\\{byte:03o}" for byte in char.encode("utf-8", "surrogatepass")]
        else:
            out.append(char)
    return '"' + "".join(out) + '"'


def _is_path(key: str) -> bool:
    return key in ("path", "paths") or key.endswith(("_path", "_paths"))


def _path(path: str) -> str:
    return quoted(path) if path.startswith('"') or _SURROGATE.search(path) else path


def _text(text: str) -> str:
    return _SURROGATE.sub("\ufffd", text)
