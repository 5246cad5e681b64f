"""What a commit did and what became of it; what a range holds; the life of a path."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

from tinycode_git.git.blame import path_arg
from tinycode_git.git.diff import diff_commits
from tinycode_git.git.process import GitFailed
from tinycode_git.git.read import Commit, ReadRepo
from tinycode_git.history.asking import kind_at
from tinycode_git.history.causes import causes
from tinycode_git.history.evidence import Asked, Explanation, Gathered, Role
from tinycode_git.history.gather import add_linked, finished, shallow_gap
from tinycode_git.history.linkcache import links_of
from tinycode_git.history.links import LinkIndex, LinkKind, link_args, links_in, parse_links

MOST_CAUSES = 5
MOST_OF_PATH = 40
_TO = {
    LinkKind.REVERTS: Role.REVERTED,
    LinkKind.FIXES: Role.FIXED,
    LinkKind.FOLLOWS: Role.FIXED,
    LinkKind.PICKED: Role.PICKED,
}


def explain_commit(repo: ReadRepo, asked: Asked) -> Explanation:
    """The commit, what it reverts, fixes and replaces, who reverted or fixed it later, the merge that brought it."""
    commit = repo.commit(asked.commit)
    gathered = Gathered()
    gathered.add(commit.oid, Role.SUBJECT)
    head = repo.find("HEAD") or commit.oid
    with ExitStack() as stack:
        linking = stack.enter_context(links_of(repo, head))
        merging = stack.enter_context(repo.git.beside(*_first_parents(commit.oid, head)))
        _name_links(repo, gathered, commit)
        notes = _name_causes(repo, gathered, commit)
        links = linking()
        chain = merging().text.split("\n")
    _name_merge(repo, gathered, commit, chain)
    add_linked(gathered, repo, links, only=(Role.SUBJECT,))
    evidence = finished(gathered, repo, released=[commit.oid])
    return Explanation(asked, evidence, notes=(*notes, *_of_tag(repo, asked)), gaps=shallow_gap(repo))


def _of_tag(repo: ReadRepo, asked: Asked) -> Iterator[str]:
    """Who names a tag may mean what came with it."""
    if repo.ref(f"refs/tags/{asked.words}") is None:
        return
    done = repo.git.quiet("describe", "--tags", "--abbrev=0", f"{asked.commit}^", ok=(0, 128))
    if done.code == 0:
        yield f"this is the commit that the tag is on; {done.text}..{asked.words} asks what came with it"


def _first_parents(oid: str, head: str) -> list[str]:
    return ["rev-list", "--first-parent", "--ancestry-path", f"{oid}..{head}"]


def _name_links(repo: ReadRepo, gathered: Gathered, commit: Commit) -> None:
    for link in links_in(commit.message):
        named = repo.find(link.oid) if link.oid else None
        if named is not None and named != commit.oid:
            gathered.add(named, _TO[link.kind], about=commit.oid)


def _name_causes(repo: ReadRepo, gathered: Gathered, commit: Commit) -> tuple[str, ...]:
    if not commit.parents:
        return ("it is the first commit: it replaces nothing",)
    if len(commit.parents) > 1:
        return ("it is a merge: what it replaces is asked of the commits that it brought",)
    try:
        found = causes(repo, commit.oid, commit.parents[0])
    except GitFailed as failed:
        if shallow_gap(repo):
            return ("what it replaces is not in this clone",)
        return (f"what it replaces could not be read: {failed.message}",)
    for cause in found[:MOST_CAUSES]:
        gathered.add(cause.oid, Role.CAUSE, about=commit.oid)
        gathered.shares[cause.oid] = round(cause.share, 3)
    return () if found else ("no commit wrote lines that it replaces",)


def _name_merge(repo: ReadRepo, gathered: Gathered, commit: Commit, chain: list[str]) -> None:
    """The first commit on the branch's own line that holds it: a merge, where it came by one."""
    if not chain[-1]:
        return
    bringing = repo.commit(chain[-1])
    if len(bringing.parents) > 1 and bringing.parents[0] != commit.oid:
        gathered.add(bringing.oid, Role.BROUGHT, about=commit.oid)


def explain_range(repo: ReadRepo, asked: Asked, role: Role = Role.PART) -> Explanation:
    """The commits of a range, those that revert, fix or copy one of them, and what they say of others."""
    gathered = Gathered()
    for oid in _listed(repo, "rev-list", "--no-merges", asked.commit, f"^{asked.base}"):
        gathered.add(oid, role)
    inside = set(gathered.roles)
    links = _links_within(repo, asked)
    for commit in repo.commits(list(inside)):
        for other, kind in links.to(commit.oid, commit.title):
            if other in inside:
                gathered.add(other, {LinkKind.REVERTS: Role.REVERTS}.get(kind, Role.FIXES), about=commit.oid)
    evidence = finished(gathered, repo)
    notes = () if evidence else (_nothing(repo, asked),)
    return Explanation(asked, evidence, notes=notes, gaps=shallow_gap(repo))


def _nothing(repo: ReadRepo, asked: Asked) -> str:
    if asked.base != asked.commit and repo.is_ancestor(asked.commit, asked.base):
        old, dots, new = asked.words.partition("...") if "..." in asked.words else asked.words.partition("..")
        return f"{asked.words} holds no commits: {new or 'HEAD'}{dots}{old or 'HEAD'} is the other way round"
    return f"{asked.words} holds no commits"


def _links_within(repo: ReadRepo, asked: Asked) -> LinkIndex:
    return parse_links(repo.git.quiet(*link_args(asked.commit), f"^{asked.base}").out)


def explain_path(repo: ReadRepo, asked: Asked, most: int = MOST_OF_PATH) -> Explanation:
    """How a file or folder came to be and what happened to it: the first commits, the renames, the newest changes."""
    folder = _is_folder(repo, asked)
    follow = [] if folder else ["--follow", "-M"]
    literal = repo.git.setting(GIT_LITERAL_PATHSPECS="1")
    with links_of(repo, asked.commit) as linking:
        out = literal.quiet(
            *("log", *follow, "--no-color", "-z", "--raw", "--no-abbrev", "--format=%x01%H"),
            *("--end-of-options", asked.commit, "--", path_arg(asked.path)),
        ).out
        links = linking()
    rows = [part.strip(b"\n") for part in out.split(b"\0")]
    gathered, changed = _life(rows, folder=folder)
    _name_successor(repo, gathered, asked.path)
    notes = [f"{changed} commit{'s' * (changed != 1)} changed it"]
    kept = list(gathered.roles)
    if len(kept) > most:
        wanted = {
            *kept[: most - 5],
            *kept[-5:],
            *(o for o in kept if {Role.RENAMED, Role.DELETED} & set(gathered.roles[o])),
        }
        gathered.roles = {oid: roles for oid, roles in gathered.roles.items() if oid in wanted}
        notes.append(f"shown are the first, the renames and the newest: {len(gathered.roles)} of them")
    oldest = list(gathered.roles)[-1] if gathered.roles else ""
    add_linked(gathered, repo, links, only=(Role.CHANGED, Role.DELETED, Role.INTRODUCED))
    evidence = finished(gathered, repo, released=[oldest] if oldest else [])
    return Explanation(asked, evidence, notes=tuple(notes), gaps=shallow_gap(repo))


def _name_successor(repo: ReadRepo, gathered: Gathered, path: str) -> None:
    """A file that went by being renamed is told as that."""
    newest = next(iter(gathered.roles), "")
    if Role.DELETED not in gathered.roles.get(newest, ()):
        return
    (changed,) = diff_commits(repo.git, [newest])
    for one in changed:
        if one.status == "R" and one.old_path == path:
            gathered.roles[newest] = [Role.RENAMED]
            gathered.notes[newest] = f"is {one.path} since"


def _is_folder(repo: ReadRepo, asked: Asked) -> bool:
    """Whether the path is a folder, or was one before it went."""
    kind = kind_at(repo, asked.commit, asked.path)
    if kind:
        return kind == "tree"
    literal = repo.git.setting(GIT_LITERAL_PATHSPECS="1")
    last = literal.quiet("log", "-1", "--format=%P", asked.commit, "--", path_arg(asked.path)).text
    return bool(last) and kind_at(repo, last.split(" ")[0], asked.path) == "tree"


def _life(rows: list[bytes], *, folder: bool) -> tuple[Gathered, int]:
    """Roles of the commits that ``git log --raw`` told, newest first."""
    gathered = Gathered()
    oid, at = "", 0
    while at < len(rows):
        row = rows[at]
        at += 1
        if row.startswith(b"\x01"):
            oid = row[1:].decode()
            gathered.add(oid, Role.CHANGED)
        elif row.startswith(b":") and b" R" in row[-6:]:
            gathered.add(oid, Role.RENAMED)
            gathered.notes.setdefault(oid, f"was {rows[at].decode('utf-8', 'surrogateescape')} before")
            at += 2
        elif row.startswith(b":"):
            at += 1
            if row.endswith(b" D") and not folder:
                gathered.roles[oid] = [Role.DELETED]
    if oid:
        gathered.roles[oid] = [Role.INTRODUCED]
    return gathered, len(gathered.roles)


def _listed(repo: ReadRepo, *args: str) -> list[str]:
    text = repo.git.quiet(*args).text
    return text.split("\n") if text else []
