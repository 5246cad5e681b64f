"""Hosts that locked dependencies and build tools come from, told apart from the registries that everyone uses."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from tinycode_git.safety.builtin import Span, Subject, builtin

# The address first and then what stands before it: a search for one literal is fast, for one of six it is not.
_ADDRESS = re.compile(rb"https?://(?:[^/\s\"@]*@)?(?P<host>[A-Za-z0-9.-]+)")
_LOCKED = re.compile(
    rb"(?:\"resolved\":\s*\"|\bresolved\s+\"|\btarball:\s*|\burl\s*=\s*\"|\bsource\s*=\s*\"(?:registry|sparse)\+|\"url\":\s*\")"
    rb"(?:git\+)?\Z"
)
_BEFORE = 80
_REGISTRIES = frozenset(
    (
        b"registry.npmjs.org",
        b"registry.yarnpkg.com",
        b"npm.pkg.github.com",
        b"codeload.github.com",
        b"github.com",
        b"gitlab.com",
        b"bitbucket.org",
        b"files.pythonhosted.org",
        b"pypi.org",
        b"index.crates.io",
        b"static.crates.io",
        b"crates.io",
        b"npm.jsr.io",
        b"jsr.io",
        b"registry.npmmirror.com",
        b"download.pytorch.org",
        b"raw.githubusercontent.com",
        b"api.github.com",
    )
)
_FEW, _RARE = 3, 10
_WRAPPER = re.compile(
    rb"^[ \t]*(?:distribution|wrapper)Url[ \t]*=[ \t]*https?\\?://(?:[^/\s@]*@)?(?P<host>[A-Za-z0-9.-]+)(?P<rest>\S*)",
    re.M,
)
_BUILD_TOOLS = (
    b"services.gradle.org",
    b"downloads.gradle.org",
    b"downloads.gradle-dn.com",
    b"repo.maven.apache.org",
    b"repo1.maven.org",
)


@builtin("lock-hosts")
def hosts_of_locked_packages(subject: Subject) -> Iterator[Span]:
    """Hosts that are no public registry, where they are few among the file's: one that all share is the owner's own."""
    text = subject.text
    found = [
        match
        for match in _ADDRESS.finditer(text)
        if _LOCKED.search(text, max(0, match.start() - _BEFORE), match.start()) is not None
    ]
    counts = Counter(match["host"].lower() for match in found)
    for match in found:
        host = match["host"].lower()
        if host not in _REGISTRIES and (len(found) <= _FEW or counts[host] * _RARE <= len(found)):
            yield Span(match.start("host"), match.end("host"))


@builtin("gradle-hosts")
def hosts_of_build_tools(subject: Subject) -> Iterator[Span]:
    """Gradle and Maven wrappers that fetch the build tool from elsewhere."""
    for match in _WRAPPER.finditer(subject.text):
        host = match["host"].lower()
        if host not in _BUILD_TOOLS and not (host == b"github.com" and match["rest"].startswith(b"/gradle/")):
            yield Span(match.start("host"), match.end("host"))
