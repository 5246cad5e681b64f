"""A page in a real browser (Chromium, headless): what it shows, what it says on its console, what it asks the network.

Every request goes to a proxy of ours that notes it and answers nothing, so that none is overlooked.
"""

from __future__ import annotations

import os
import re
import shutil
import struct
import subprocess
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
MISSING = "no browser here (chromium), the page was not looked at"
_CONSOLE = re.compile(r"CONSOLE[:(]\d*\)?[^\"]*\"(.*)\", source: ([^ ]*)")
# What the browser asks for by itself, whatever the page is.
_OWN = re.compile(
    r"(?:https?://)?(?:(?:android\.)?clients\d*\.google\.com|(?:update|content-autofill|optimizationguide-pa|safebrowsing"
    r"|edgedl\.me|mtalk)\.(?:google\.com|googleapis\.com|gvt1\.com)|redirector\.gvt1\.com|accounts\.google\.com"
    r"|www\.google\.com)[:/]"
)
_FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-extensions"),
    *("--disable-default-apps", "--disable-domain-reliability", "--disable-breakpad", "--enable-logging=stderr"),
    *("--log-level=0", "--proxy-bypass-list=<-loopback>", "--disable-features=OptimizationHints,MediaRouter,Translate"),
)


def browser() -> str:
    """The browser's program. Skips the test where there is none."""
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None:
        name = os.environ.get("PYTEST_CURRENT_TEST", "").rpartition(" ")[0]
        pytest.skip(f"{name}: {MISSING}")
    return found


@dataclass(frozen=True, slots=True)
class Seen:
    """A page once it was loaded: its document, the lines of its console, the hosts that it asked for something."""

    document: str
    console: tuple[str, ...]
    asked: tuple[str, ...]

    @property
    def title(self) -> str:
        """The title that the document has in the end."""
        match = re.search(r"<title>(.*?)</title>", self.document, re.S)
        return match[1] if match else ""


@contextmanager
def _proxy() -> Iterator[tuple[int, list[str]]]:
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

        def _note(self) -> None:
            if not _OWN.match(self.path):
                asked.append(self.path)
            try:
                self.send_error(502)
            except OSError:  # the browser is gone
                self.close_connection = True

        do_GET = do_POST = do_HEAD = do_CONNECT = _note

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server.server_address[1], asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def seen(place: Path, *, dark: bool = False, width: int = 1000) -> Seen:
    """Load a page and look at it."""
    with _proxy() as (port, asked):
        done = _run(place, "--dump-dom", port, dark=dark, width=width)
        lines = tuple(match[1] for match in _CONSOLE.finditer(done.stderr.decode("utf-8", "replace")))
        return Seen(done.stdout.decode("utf-8", "replace"), lines, tuple(asked))


def drawn(place: Path, picture: Path, *, dark: bool = False, width: int = 1000) -> list[list[tuple[int, int, int]]]:
    """Draw a page into ``picture``; its pixels, row by row."""
    with _proxy() as (port, _):
        _run(place, f"--screenshot={picture}", port, dark=dark, width=width)
    return pixels(picture.read_bytes())


def probed(place: Path, script: str, *, width: int = 1000) -> str:
    """What ``script`` gives on a copy of the page that may run it (the policy taken out): a question about layout."""
    text = place.read_text(encoding="utf-8")
    free = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", text)
    assert free != text, "the page has no policy"
    copy = place.with_name(f"probed-{place.name}")
    copy.write_text(free.replace("</body>", f"<script>document.title=String({script})</script></body>"), "utf-8")
    return seen(copy, width=width).title


def _run(place: Path, action: str, port: int, *, dark: bool, width: int) -> subprocess.CompletedProcess[bytes]:
    home = place.parent / "browser"
    argv = [browser(), *_FLAGS, f"--user-data-dir={home}", f"--proxy-server=http://127.0.0.1:{port}"]
    argv += [f"--window-size={width},1600", f"--blink-settings=preferredColorScheme={0 if dark else 1}"]
    done = subprocess.run([*argv, action, place.resolve().as_uri()], capture_output=True, check=False, timeout=120)
    assert done.returncode == 0, (
        f"the browser ended with {done.returncode}: {done.stderr[-2000:].decode(errors='replace')}"
    )
    return done


def pixels(data: bytes) -> list[list[tuple[int, int, int]]]:
    """The pixels of a PNG of 8 bits a channel, RGB or RGBA (PNG specification, sections 5 and 9)."""
    at, packed, width, channels = 8, b"", 0, 3
    while at < len(data):
        size, kind = struct.unpack(">I4s", data[at : at + 8])
        body = data[at + 8 : at + 8 + size]
        at += size + 12
        if kind == b"IHDR":
            width, _, _, colour = struct.unpack(">IIBB", body[:10])
            channels = 4 if colour == 6 else 3
        elif kind == b"IDAT":
            packed += body
    return _rows(zlib.decompress(packed), width * channels, channels)


def _rows(raw: bytes, length: int, channels: int) -> list[list[tuple[int, int, int]]]:
    rows: list[list[tuple[int, int, int]]] = []
    above = bytearray(length)
    for start in range(0, len(raw), length + 1):
        row = _unfiltered(raw[start], bytearray(raw[start + 1 : start + 1 + length]), above, channels)
        rows.append([(row[n], row[n + 1], row[n + 2]) for n in range(0, length, channels)])
        above = row
    return rows


def _unfiltered(kind: int, row: bytearray, above: bytearray, step: int) -> bytearray:
    for n in range(len(row) if kind else 0):
        left = row[n - step] if n >= step else 0
        corner = above[n - step] if n >= step else 0
        guess = (0, left, above[n], (left + above[n]) // 2, _paeth(left, above[n], corner))[kind]
        row[n] = (row[n] + guess) & 255
    return row


def _paeth(left: int, above: int, corner: int) -> int:
    rest = left + above - corner
    return min((left, above, corner), key=lambda one: abs(rest - one))
