"""``git tiny explain``: why a line, a file, a commit, a range or a plan is as it is, with the commits that show it."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Annotated, Any

import typer

from tinycode_git.commands.app import new_app
from tinycode_git.commands.explaining import Words, patch_of, put_in_words, speaking
from tinycode_git.commands.explainview import drawn_groups, timeline
from tinycode_git.commands.opening import reading, say
from tinycode_git.commands.proseview import in_words
from tinycode_git.commands.provenance import operations_of, plans_of
from tinycode_git.errors import Exit, Refused, TinyError, UsageError
from tinycode_git.git.blame import path_arg
from tinycode_git.git.diff import diff_commits
from tinycode_git.git.read import ReadRepo
from tinycode_git.history.asking import asked_about, near_paths, once_there
from tinycode_git.history.audiences import Audience, Group, summary
from tinycode_git.history.commits import explain_commit, explain_path, explain_range
from tinycode_git.history.evidence import Asked, Explanation, Role
from tinycode_git.history.lines import explain_lines
from tinycode_git.history.prose import Prose
from tinycode_git.plan.store import find_plan
from tinycode_git.render import console, jsonout
from tinycode_git.render.diffview import paged

app = new_app()


@dataclass(frozen=True, slots=True)
class Told(Explanation):
    """What ``--json`` prints: the evidence, and what of a model's words is borne out by it (None: none was asked)."""

    prose: Prose | None = None


@dataclass(frozen=True, slots=True)
class Summary:
    """What ``--for`` prints with ``--json``."""

    asked: Asked
    audience: Audience
    groups: tuple[Group, ...]
    evidence: tuple[Mapping[str, str], ...]
    gaps: tuple[str, ...]
    prose: Prose | None


@app.command()
def explain(
    what: Annotated[
        str, typer.Argument(metavar="WHAT", help="COMMIT, A..B, PATH, PATH:LINE[-LINE], PATH:SYMBOL, PLAN.")
    ],
    at: Annotated[str, typer.Option("--at", metavar="REF", help="Paths and lines as this commit has them.")] = "HEAD",
    audience: Annotated[Audience | None, typer.Option("--for", help="Of a range or plan: a summary for them.")] = None,
    patch: Annotated[bool, typer.Option("--patch", "-p", help="With each commit what it changed.")] = False,
    limit: Annotated[int, typer.Option("--limit", "-n", min=0, help="Show at most so many commits; 0: all.")] = 20,
    model: Annotated[str, typer.Option("--model", metavar="MODEL", help="Another model than tiny.model.")] = "",
    no_model: Annotated[
        bool, typer.Option("--no-model", help="The evidence alone, even if a model is set up.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show what history says: who wrote it, what changed it, what reverted or fixed it, for which stated reason.

    Lines are followed through moves, copies and renames; white space does not count, and neither do the commits in
    .git-blame-ignore-revs or blame.ignoreRevsFile. Every statement names the commit that shows it. Where no message
    states a reason, it says so.

    Where a model is set up, it puts the evidence in words. Each of its sentences cites commits; one that these do not
    bear out is removed, and what a message states is told apart from what is inferred.

    Examples:

    \b
      git tiny explain src/server.c:512
      git tiny explain src/app.py:App.run --patch
      git tiny explain v1.2..HEAD --for release-notes
      git tiny explain 3f2c1aa --json --no-model

    Exit codes:

    \b
      0  done
      1  what is named has no lines, or the symbol is not defined there
      2  nothing here is called that
      4  the history is not all here (a shallow clone), or the model gave no answer; what there is, is shown
    """
    repo = reading()
    asked = _asked(repo, what, at)
    if audience is not None and asked.kind not in ("range", "plan"):
        raise UsageError("--for summarises a range or a plan", f"git tiny explain A..B --for {audience.value}")
    words = Words()
    with speaking(repo, model, silent=no_model, words=words) as talk:
        found = _explained(repo, asked)
        put_in_words(repo, found, talk, words, audience)
    found = replace(found, gaps=(*found.gaps, *words.gaps()))
    if audience is not None:
        _summarise(repo, found, audience, words.prose, limit=limit, json=json)
    else:
        found = _with_provenance(repo, found)
        found = _with_patches(repo, found) if patch else _without_patches(found)
        _print(repo, found, words.prose, limit=limit, json=json)
    words.end()
    if found.gaps:
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
        gone = once_there(repo, what, at)
        if gone is not None:
            return gone
        if at == "HEAD" and repo.find(at) is None:
            raise Refused("there is no commit yet", "git commit makes one") from None
        raise _unknown(repo, what, at) from None
    return Asked("plan", plan.id, plan.tip, base=plan.base)


def _unknown(repo: ReadRepo, what: str, at: str) -> UsageError:
    """What to say of words that name nothing. Raises UsageError itself for a range with an end that is not there."""
    place, colon, rest = what.rpartition(":")
    gone = once_there(repo, place, at) if colon else None
    if gone is not None:
        last = repo.git.quiet("log", "-1", "--format=%h", gone.commit, "--", path_arg(gone.path)).text
        hint = f"git tiny explain {place}:{rest} --at {last}~1"
        return UsageError(f"{place} is gone from {at} since {last}", hint)
    if what.rstrip("/") in (".", ""):
        return UsageError("the whole repository is too much to explain", "git tiny insights shows it in numbers")
    if ".." in what and "/.." not in what and "../" not in what:
        for end in what.split("..." if "..." in what else "..", 1):
            repo.resolve(end or "HEAD")
    near = near_paths(repo, place or what, at)
    if near:
        hint = f"did you mean {' or '.join(f'{path}:{rest}' if colon else path for path in near)}?"
    elif what.isidentifier():
        hint = f"a symbol is named with its file, PATH:{what}; git tiny plans --all lists the plans"
    else:
        hint = "paths are as the commit has them (--at names another than HEAD); git tiny plans --all lists the plans"
    return UsageError(f"{what!r} names no commit, range, path, line, symbol or plan here", hint)


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
    evidence = tuple(replace(one, patch=one.patch or patch_of(repo, one, found.asked)) for one in found.evidence)
    return replace(found, evidence=evidence)


def _without_patches(found: Explanation) -> Explanation:
    return replace(found, evidence=tuple(replace(one, patch="") for one in found.evidence))


def _print(repo: ReadRepo, found: Explanation, prose: Prose | None, *, limit: int, json: bool) -> None:
    if json:
        evidence: dict[str, Any] = {one.name: getattr(found, one.name) for one in fields(found)}
        jsonout.write(Told(**evidence, prose=prose))
    else:
        drawn = console.for_stdout(repo.git)
        with paged(drawn, repo.git) as stream:
            stream.write((in_words(prose, drawn) if prose else "") + timeline(found, drawn, limit))
    for gap in found.gaps:
        say(f"not looked at: {gap}")


def _summarise(
    repo: ReadRepo, found: Explanation, audience: Audience, prose: Prose | None, *, limit: int, json: bool
) -> None:
    oids = [one.oid for one in found.evidence]
    groups = summary(audience, found.evidence, dict(zip(oids, diff_commits(repo.git, oids), strict=True)))
    if json:
        rows: tuple[dict[str, Any], ...] = tuple(
            {"id": one.id, "oid": one.oid, "title": one.title} for one in found.evidence
        )
        jsonout.write(Summary(found.asked, audience, groups, rows, found.gaps, prose))
    elif groups:
        # Release notes are for copying: all of them.
        most = 0 if audience is Audience.RELEASE_NOTES else limit
        drawn = console.for_stdout(repo.git)
        sys.stdout.write((in_words(prose, drawn) if prose else "") + drawn_groups(groups, found.evidence, drawn, most))
    else:
        say(found.notes[0])
    for gap in found.gaps:
        say(f"not looked at: {gap}")
