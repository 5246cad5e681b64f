"""Who named which state of which log: trailers of commits, checkpoints, and what the reflogs say git tiny did."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tinycode_git.audit.chain import Named, parse_anchor
from tinycode_git.git.process import Git

# Neither the commit graph nor grafts are believed: objects are.
PLAIN = ("-c", "core.commitGraph=false")
_DID = re.compile(r"tiny: (apply|rollback|redo)\b ?(\S*)")


@dataclass(frozen=True, slots=True)
class Trailer:
    """A commit that names a state of a log, and the plan that it says it is of."""

    commit: str
    named: Named
    plan: str


def trailers(git: Git) -> list[Trailer]:
    """Every ``Tiny-Audit`` trailer of a commit that any ref reaches; checkpoints themselves are not among them."""
    rows = _plain(git).quiet(
        *PLAIN,
        "log",
        "-z",
        "--exclude=refs/tiny/audit/*",
        "--exclude=refs/*/tiny/audit/*",
        "--exclude=refs/replace/*",
        "--all",
        "--no-show-signature",
        "--grep=^Tiny-Audit: ",
        "--format=%H%n%(trailers:key=Plan-Id,valueonly,separator=%x20)%n%(trailers:key=Tiny-Audit,valueonly)",
        ok=(0, 128),
    )
    return list(_trailers(rows.text))


def _trailers(text: str) -> Iterator[Trailer]:
    for row in text.split("\0"):
        commit, _, rest = row.partition("\n")
        plan, _, values = rest.partition("\n")
        for value in values.split("\n"):
            anchor = parse_anchor(value)
            if anchor is not None:
                yield Trailer(commit, Named(anchor, f"commit {commit[:12]}"), plan)


@dataclass(frozen=True, slots=True)
class Deed:
    """A move of a branch that the reflog says git tiny made."""

    ref: str
    commit: str
    action: str
    plan: str


def deeds(git: Git) -> list[Deed]:
    """What the reflogs of the branches say git tiny did."""
    rows = _plain(git).quiet(
        *PLAIN, "log", "-g", "-z", "--branches", "--no-show-signature", "--format=%H%n%gD%n%gs", ok=(0, 128)
    )
    found = []
    for row in rows.text.split("\0"):
        commit, _, rest = row.partition("\n")
        place, _, words = rest.partition("\n")
        did = _DID.match(words)
        if did is not None:
            # With --branches git leaves refs/heads/ out of the name.
            ref = "refs/heads/" + place.rpartition("@{")[0].removeprefix("refs/heads/")
            found.append(Deed(ref, commit, did[1], did[2]))
    return found


def is_shallow(git: Git) -> bool:
    """Whether the clone ends before the history does."""
    return git.quiet("rev-parse", "--is-shallow-repository").text == "true"


def _plain(git: Git) -> Git:
    return git.setting(GIT_GRAFT_FILE="/dev/null", GIT_NO_LAZY_FETCH="1")
