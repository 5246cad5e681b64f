"""``git tiny explain``: why a line, a file, a commit, a range or a plan is as it is, with the commits that show it."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any

import typer

from tinycode_git.commands.app import new_app
from tinycode_git.commands.explainview import drawn_groups, timeline
from tinycode_git.commands.opening import reading, say
from tinycode_git.commands.provenance import operations_of, plans_of
from tinycode_git.errors import Exit, TinyError, UsageError
from tinycode_git.git.diff import diff_commits
from tinycode_git.git.process import GitFailed
from tinycode_git.git.read import ReadRepo
from tinycode_git.history.asking import asked_about
from tinycode_git.history.audiences import Audience, Group, summary
from tinycode_git.history.commits import explain_commit, explain_path, explain_range
from tinycode_git.history.evidence import Asked, Explanation, Role
from tinycode_git.history.lines import explain_lines
from tinycode_git.plan.store import find_plan
from tinycode_git.render import console, jsonout
from tinycode_git.render.diffview import paged

app = new_app()


@dataclass(frozen=True, slots=True)
class Summary:
    """What ``--for`` prints with ``--json``."""

    asked: Asked
    audience: Audience
    groups: tuple[Group, ...]
    evidence: tuple[Mapping[str, str], ...]
    gaps: tuple[str, ...]


@app.command()
def explain(
    what: Annotated[
        str, typer.Argument(metavar="WHAT", help="COMMIT, A..B, PATH, PATH:LINE[-LINE], PATH:SYMBOL, PLAN.")
    ],
    at: Annotated[str, typer.Option("--at", metavar="REF", help="Paths and lines as this commit has them.")] = "HEAD",
    audience: Annotated[Audience | None, typer.Option("--for", help="Of a range: a summary for these readers.")] = None,
    patch: Annotated[bool, typer.Option("--patch", "-p", help="With each commit what it changed.")] = False,
    limit: Annotated[int, typer.Option("--limit", "-n", min=0, help="Show at most so many commits; 0: all.")] = 20,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show what history says: who wrote it, what changed it, what reverted or fixed it, for which stated reason.

    Lines are followed through moves, copies and renames; white space does not count, and neither do the commits in
    .git-blame-ignore-revs or blame.ignoreRevsFile. Every statement names the commit that shows it. Where no message
    states a reason, it says so.

    Examples:

    \b
      git tiny explain src/server.c:512
      git tiny explain src/app.py:App.run --patch
      git tiny explain v1.2..HEAD --for release-notes
      git tiny explain 3f2c1aa --json

    Exit codes:

    \b
      0  done
      1  what is named has no lines, or the symbol is not defined there
      2  nothing here is called that
      4  the history is not all here (a shallow clone); what there is, is shown
    """
    repo = reading()
    asked = _asked(repo, what, at)
    if audience is not None and asked.kind != "range":
        raise UsageError("--for summarises a range", f"git tiny explain A..B --for {audience.value}")
    if audience is not None:
        gaps = _summarise(repo, asked, audience, json)
    else:
        found = _with_provenance(repo, _explained(repo, asked))
        found = _with_patches(repo, found) if patch else _without_patches(found)
        gaps = found.gaps
        _print(repo, found, limit=limit, json=json)
    if gaps:
        raise typer.Exit(Exit.INCOMPLETE)


def _asked(repo: ReadRepo, what: str, at: str) -> Asked:
    if at != "HEAD":
        repo.resolve(at)
    found = asked_about(repo, what, at)
    if found is not None:
        return found
    try:
        plan = find_plan(repo, what)
    except TinyError:
        raise UsageError(
            f"{what!r} names no commit, range, path, line, symbol or plan here",
            "paths are as the commit has them (--at names another than HEAD); git tiny plans --all lists the plans",
        ) from None
    return Asked("plan", plan.id, plan.tip, base=plan.base)


def _explained(repo: ReadRepo, asked: Asked) -> Explanation:
    if asked.kind == "lines":
        return explain_lines(repo, asked)
    if asked.kind == "path":
        return explain_path(repo, asked)
    if asked.kind == "commit":
        return explain_commit(repo, asked)
    return explain_range(repo, asked, Role.STEP if asked.kind == "plan" else Role.PART)


def _with_provenance(repo: ReadRepo, found: Explanation) -> Explanation:
    """The plans that the commits came from, and what the audit log has on them."""
    named = [found.asked.words] if found.asked.kind == "plan" else []
    ids = dict.fromkeys([*named, *(one.trailer("Plan-Id") for one in found.evidence if one.trailer("Plan-Id"))])
    if not ids:
        return found
    return replace(found, plans=plans_of(repo, ids), operations=operations_of(repo, ids))


def _with_patches(repo: ReadRepo, found: Explanation) -> Explanation:
    """Each commit with its diff; of lines, the part that is about them is there already."""
    limited = ["--", found.asked.path] if found.asked.kind == "path" else []
    evidence = []
    for one in found.evidence:
        text = one.patch
        if not text:
            options = ("-p", "--no-ext-diff", "--no-textconv", "--no-color", "--root", "-M", "--no-commit-id", "-m")
            try:
                out = repo.git.quiet("diff-tree", *options, "--first-parent", one.oid, *limited).out
            except GitFailed:
                out = b""
            text = out.decode("utf-8", "surrogateescape").rstrip("\n")
        evidence.append(replace(one, patch=text))
    return replace(found, evidence=tuple(evidence))


def _without_patches(found: Explanation) -> Explanation:
    return replace(found, evidence=tuple(replace(one, patch="") for one in found.evidence))


def _print(repo: ReadRepo, found: Explanation, *, limit: int, json: bool) -> None:
    if json:
        jsonout.write(found)
    else:
        drawn = console.for_stdout(repo.git)
        with paged(drawn, repo.git) as stream:
            stream.write(timeline(found, drawn, limit))
    for gap in found.gaps:
        say(f"not looked at: {gap}")


def _summarise(repo: ReadRepo, asked: Asked, audience: Audience, json: bool) -> tuple[str, ...]:
    found = explain_range(repo, asked)
    oids = [one.oid for one in found.evidence]
    groups = summary(audience, found.evidence, dict(zip(oids, diff_commits(repo.git, oids), strict=True)))
    if json:
        rows: tuple[dict[str, Any], ...] = tuple(
            {"id": one.id, "oid": one.oid, "title": one.title} for one in found.evidence
        )
        jsonout.write(Summary(asked, audience, groups, rows, found.gaps))
    elif groups:
        sys.stdout.write(drawn_groups(groups, found.evidence, console.for_stdout(repo.git)))
    else:
        say(f"{asked.words} holds no commits")
    return found.gaps
