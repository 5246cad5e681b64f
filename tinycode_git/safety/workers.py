"""A few processes for one computation: forked, each with its part, answers back through pipes as plain values."""

from __future__ import annotations

import marshal
import os
import selectors
import struct
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import Any

from tinycode_git.ending import fork, release_signals
from tinycode_git.errors import Incomplete

Part = Any
Told = Callable[[int], None]
Work = Callable[[Part, Told], Any]

_HEAD = struct.Struct("<BI")
_PROGRESS, _RESULT = 0, 1


def spread(parts: Sequence[Part], work: Work, told: Told) -> list[Any]:
    """``work`` on each part, in a process of its own (one part: in this one). Answers are what ``marshal`` can hold.

    ``told`` hears how much is done, from all of them. Raises Incomplete where a process ends without an answer.
    """
    if len(parts) == 1:
        return [work(parts[0], told)]
    readers = [_forked(part, work) for part in parts]
    answers: dict[int, Any] = {}
    buffers = {reader: bytearray() for reader, _ in readers}
    with selectors.DefaultSelector() as waiting:
        for reader, _ in readers:
            waiting.register(reader, selectors.EVENT_READ)
        while waiting.get_map():
            for key, _ in waiting.select():
                reader = key.fd
                data = os.read(reader, 1 << 20)
                buffers[reader] += data
                _take(buffers[reader], reader, answers, told)
                if not data:
                    waiting.unregister(reader)
    for reader, child in readers:
        os.close(reader)
        os.waitpid(child, 0)
    if len(answers) != len(readers):
        raise Incomplete("a worker process ended without an answer", "try again with --jobs 1")
    return [answers[reader] for reader, _ in readers]


def _take(buffer: bytearray, reader: int, answers: dict[int, Any], told: Told) -> None:
    while len(buffer) >= _HEAD.size:
        kind, size = _HEAD.unpack_from(buffer)
        if len(buffer) < _HEAD.size + size:
            return
        value = marshal.loads(bytes(buffer[_HEAD.size : _HEAD.size + size]))  # noqa: S302 - from our own child
        del buffer[: _HEAD.size + size]
        if kind == _PROGRESS:
            told(value)
        else:
            answers[reader] = value


def _forked(part: Part, work: Work) -> tuple[int, int]:
    reader, writer = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    child = fork()
    if child:
        os.close(writer)
        return reader, child
    code = 1
    try:
        release_signals()
        os.close(reader)
        _send(writer, _RESULT, work(part, lambda count: _send(writer, _PROGRESS, count)))
        code = 0
    except KeyboardInterrupt:
        code = 130
    except BaseException:  # noqa: BLE001 - a child of a fork must not run on into its parent's code
        traceback.print_exc()
    finally:
        os._exit(code)


def _send(writer: int, kind: int, value: Any) -> None:
    raw = marshal.dumps(value)
    data = memoryview(_HEAD.pack(kind, len(raw)) + raw)
    while data:
        data = data[os.write(writer, data) :]
