"""The transport below the package ``ollama``: as httpx has it, with answers that never end given up.

Imported where a client is made: httpx costs more than a small command.
"""

from __future__ import annotations

from collections.abc import Iterator

import httpx

from tinycode_git.llm.hosts import Host
from tinycode_git.llm.unending import Lines


class Watched(httpx.BaseTransport):
    """One server's. A line that does not end in ``wait`` seconds raises httpx.ReadTimeout, one too long Endless."""

    def __init__(self, host: Host, wait: float) -> None:
        # Nothing to verify without TLS, and reading the certificates takes 30 ms.
        self._below = httpx.HTTPTransport(verify=host.scheme == "https", trust_env=False)
        self._wait = wait

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """See httpx."""
        response = self._below.handle_request(request)
        assert isinstance(response.stream, httpx.SyncByteStream)
        response.stream = _Watched(response.stream, self._wait)
        return response

    def close(self) -> None:
        """See httpx."""
        self._below.close()


class _Watched(httpx.SyncByteStream):
    def __init__(self, below: httpx.SyncByteStream, wait: float) -> None:
        self._below, self._wait = below, wait

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield from Lines(self._wait).watched(iter(self._below))
        except TimeoutError as error:
            raise httpx.ReadTimeout("a line does not end") from error

    def close(self) -> None:
        self._below.close()
