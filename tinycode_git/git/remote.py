"""Bringing refs from another repository: by the user's own git, into a space of git tiny's own."""

from __future__ import annotations

from dataclasses import dataclass

from tinycode_git.errors import Refused, UsageError
from tinycode_git.git.process import GitFailed
from tinycode_git.git.write import PlanRepo

FETCHED = "refs/tiny/fetched/"


@dataclass(frozen=True, slots=True)
class FetchedRefs:
    """What a remote has of plans: records and branches by plan id, as oids."""

    records: dict[str, str]
    branches: dict[str, str]


def fetch_plans(repo: PlanRepo, remote: str) -> FetchedRefs:
    """Fetch every plan's record and branch of ``remote``. UsageError for an unknown one, Refused where git fails.

    They land under ``refs/tiny/fetched/<remote>/`` and are forced there: the other side rewrites its branches.
    """
    known = repo.git.quiet("remote").text.split("\n")
    if remote not in known:
        named = ", ".join(name for name in known if name) or "none"
        raise UsageError(f"there is no remote {remote!r}", f"remotes here: {named}; git remote add makes one")
    space = f"{FETCHED}{remote}/"
    specs = (f"+refs/tiny/plans/*:{space}plans/*", f"+refs/heads/{repo.prefix}/*:{space}heads/*")
    try:
        # An empty refmap: git would move the user's remote-tracking branches along otherwise.
        quiet = ("--no-tags", "--prune", "--no-write-fetch-head", "--quiet", "--refmap=", "--recurse-submodules=no")
        repo.git.user("fetch", *quiet, "--end-of-options", remote, *specs)
    except GitFailed as failed:
        raise Refused(
            f"git could not fetch from {remote}", "git says why; git fetch tries the same", detail=failed.stderr
        ) from failed
    refs = repo.refs(space)
    plans, heads = f"{space}plans/", f"{space}heads/"
    return FetchedRefs(
        {name.removeprefix(plans): oid for name, oid in refs.items() if name.startswith(plans)},
        {name.removeprefix(heads): oid for name, oid in refs.items() if name.startswith(heads)},
    )
