"""What a GGUF file says about itself, read from its first bytes (the GGUF specification, version 2 and 3)."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

from tinycode_git.errors import Incomplete

_MAGIC = b"GGUF"
_NUMBERS = {0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?", 10: "<Q", 11: "<q", 12: "<d"}
_TEXT, _LIST = 8, 9
_LONGEST = 16 * 1024 * 1024
_MOST = 4096
Value = str | int | float | bool | None


class _Broken(Exception):
    """What is wrong with the file."""


def read_header(path: Path) -> Mapping[str, Value]:
    """The metadata of a model file; lists are passed over (None). Raises Incomplete where it is no GGUF file."""
    try:
        with path.open("rb") as stream:
            if stream.read(4) != _MAGIC:
                raise _Broken("it is not a GGUF file")
            version, _, count = struct.unpack("<IQQ", _exactly(stream, 20))
            if version not in (2, 3) or count > _MOST:
                raise _Broken(f"its GGUF version {version} is not known")
            return dict(_pair(stream) for _ in range(count))
    except OSError as error:
        raise Incomplete(
            f"the model {path} cannot be read: {error.strerror}", "git tiny model list says which there are"
        ) from error
    except (_Broken, struct.error, UnicodeDecodeError) as error:
        raise Incomplete(f"the model {path} cannot be used: {error}", "fetch it again, or name another") from error


def _pair(stream: BinaryIO) -> tuple[str, Value]:
    key = _text(stream)
    (kind,) = struct.unpack("<I", _exactly(stream, 4))
    return key, _value(stream, kind)


def _value(stream: BinaryIO, kind: int) -> Value:
    if kind in _NUMBERS:
        form = _NUMBERS[kind]
        found: int | float | bool = struct.unpack(form, _exactly(stream, struct.calcsize(form)))[0]
        return found
    if kind == _TEXT:
        return _text(stream)
    if kind == _LIST:
        inner, count = struct.unpack("<IQ", _exactly(stream, 12))
        if inner in _NUMBERS:
            stream.seek(struct.calcsize(_NUMBERS[inner]) * count, 1)
        else:
            for _ in range(count):
                _value(stream, inner)
        return None
    raise _Broken(f"it holds a value of kind {kind}, which there is not")


def _text(stream: BinaryIO) -> str:
    (length,) = struct.unpack("<Q", _exactly(stream, 8))
    if length > _LONGEST:
        raise _Broken("it holds a text that is too long")
    return _exactly(stream, length).decode("utf-8")


def _exactly(stream: BinaryIO, count: int) -> bytes:
    data = stream.read(count)
    if len(data) != count:
        raise _Broken("it ends in the middle")
    return data
