"""JSON over HTTP by the standard library: no redirects, no proxies, nothing else to import.

``http.client`` follows no redirect and reads no proxy from the environment. It costs a few milliseconds to load, so
that the first request is out long before a model's own package has been imported.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import Any

from tinycode_git.errors import Incomplete
from tinycode_git.llm.hosts import Host
from tinycode_git.llm.unending import Lines

_LONGEST = 64 * 1024 * 1024
_PART = 1 << 16


class Gone(Incomplete):
    """The server cannot be reached, or went away."""


class Said(Incomplete):
    """The server answered with an error; ``status`` is its code."""

    def __init__(self, message: str, status: int, hint: str = "") -> None:
        super().__init__(message, hint)
        self.status = status


@contextmanager
def opened(
    host: Host, method: str, path: str, body: Any = None, *, headers: Mapping[str, str], timeout: float
) -> Iterator[HTTPResponse]:
    """The response of one request, with status 200. Raises Gone, or Said for any other status."""
    kind = HTTPSConnection if host.scheme == "https" else HTTPConnection
    connection = kind(host.name, host.port, timeout=timeout)
    data = None if body is None else json.dumps(body).encode()
    sent = {"Accept": "application/json", **headers, **({"Content-Type": "application/json"} if data else {})}
    try:
        try:
            connection.request(method, host.path + path, data, sent)
            response = connection.getresponse()
        except TimeoutError as error:
            raise Gone(f"the model server at {host} has not answered for {timeout:.0f} s", _SLOW) from error
        except (OSError, HTTPException) as error:
            why = getattr(error, "strerror", None) or type(error).__name__
            raise Gone(f"there is no model server at {host}: {why}") from error
        with response:
            if response.status != 200:
                raise _refused(host, response)
            yield response
    finally:
        connection.close()


_SLOW = "git config tiny.modelWait SECONDS waits longer"


def _refused(host: Host, response: HTTPResponse) -> Said:
    if 300 <= response.status < 400:
        return Said(f"the model server at {host} points elsewhere (HTTP {response.status}); that is not followed", 0)
    text = response.read(4096).decode("utf-8", "replace")
    return Said(f"the model server at {host} says: {reason(text)} (HTTP {response.status})", response.status)


def reason(text: str) -> str:
    """The reason in the body of an error: ``{"error": ...}`` in either of its two shapes, else the first line."""
    try:
        found = json.loads(text).get("error", text)
        text = found.get("message", text) if isinstance(found, dict) else str(found)
    except (ValueError, AttributeError, RecursionError):
        pass
    first = text.strip().split("\n", 1)[0]
    return first[:300] or "nothing"


def whole(value: Any) -> int:
    """A count as a server gives it; 0 for what is none."""
    return value if isinstance(value, int) and value > 0 else 0


def mapping(value: Any) -> Mapping[str, Any]:
    """An object as a server gives it; an empty one for what is none."""
    return value if isinstance(value, dict) else {}


def call(
    host: Host, method: str, path: str, body: Any = None, *, headers: Mapping[str, str] | None = None, timeout: float
) -> Any:
    """The JSON that a request is answered with. Raises Incomplete."""
    with opened(host, method, path, body, headers=headers or {}, timeout=timeout) as response:
        try:
            return json.loads(_whole(response, timeout))
        except TimeoutError as error:
            raise Gone(f"the model server at {host} has not answered for {timeout:.0f} s", _SLOW) from error
        except (OSError, HTTPException) as error:
            raise Gone(f"the model server at {host} went away in the middle of an answer") from error
        except (ValueError, RecursionError) as error:
            raise Gone(f"what answers at {host} is not a model server: no JSON came back") from error


def _whole(response: HTTPResponse, timeout: float) -> bytes:
    """All of a response, within ``timeout`` seconds: each byte of one that drips begins the socket's time anew."""
    data, end = bytearray(), time.monotonic() + timeout
    while len(data) < _LONGEST and (part := response.read1(_PART)):
        data += part
        if time.monotonic() > end:
            raise TimeoutError
    return bytes(data)


def lines(response: HTTPResponse, host: Host, timeout: float) -> Iterator[bytes]:
    """The lines of a streamed answer. Raises Gone where the server stops in the middle, Endless."""
    rest = b""
    try:
        for part in Lines(timeout).watched(iter(lambda: response.read1(_PART), b"")):
            *whole, rest = (rest + part).split(b"\n")
            yield from (line.rstrip(b"\r") for line in whole)
    except TimeoutError as error:
        raise Gone(f"the model server at {host} has said nothing for {timeout:.0f} s", _SLOW) from error
    except (OSError, HTTPException, ValueError) as error:
        raise Gone(f"the model server at {host} went away in the middle of an answer") from error
    if rest:
        yield rest
