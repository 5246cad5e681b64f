"""``git tiny doctor``: what git tiny needs, looked at before it is missed."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Annotated

import typer

from tinycode_git import config, modes
from tinycode_git.commands.app import new_app
from tinycode_git.errors import Exit, TinyError, UsageError
from tinycode_git.git.process import Git, GitFailed
from tinycode_git.render import console, jsonout
from tinycode_git.render.console import Style
from tinycode_git.render.escape import visible
from tinycode_git.render.table import Cell, Column, table

app = new_app()

OLDEST_GIT = (2, 38)
_MANY_LOOSE = 20_000


class Status(StrEnum):
    """What a check found. ``UNKNOWN``: it could not be looked at, which is never reported as well."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    UNKNOWN = "unknown"


_STYLES = {Status.OK: Style.GOOD, Status.WARNING: Style.WARN, Status.FAILED: Style.BAD, Status.UNKNOWN: Style.BAD}


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at: what it is, how it is, in words, and what to do about it."""

    name: str
    status: Status
    message: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that was looked at; ``ok`` where nothing failed and everything could be looked at."""

    ok: bool
    checks: tuple[Check, ...]


@app.command()
def doctor(
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> int:
    """Check what git tiny needs of this machine, and of the repository where it is run.

    Looks at git (2.38 or newer), pygit2, settings and the mode; in a repository also at ownership (safe.directory), the
    object format, your identity and signing program, hooks, what is missing from the clone, and sizes. Changes nothing.

    Examples:

    \b
      git tiny doctor
      git tiny doctor --json

    Exit codes:

    \b
      0  nothing is in the way (there may be warnings)
      1  something is in the way
      4  something could not be looked at
    """
    checks = tuple(examine(Git(Path.cwd(), {})))
    found = {check.status for check in checks}
    report = Report(not found & {Status.FAILED, Status.UNKNOWN}, checks)
    if json:
        jsonout.write(report)
    else:
        _print(report)
    if Status.FAILED in found:
        return Exit.REFUSED
    return Exit.INCOMPLETE if Status.UNKNOWN in found else Exit.DONE


def examine(git: Git) -> Iterator[Check]:
    """Every check in turn; those of the repository only where there is one."""
    version = _guarded("git", lambda: _git_version(git))
    yield version
    yield _pygit2()
    yield _command()
    if version.status is not Status.OK:
        return
    yield _guarded("settings", lambda: _settings(git))
    yield _guarded("mode", lambda: _mode(git))
    yield _guarded("sandbox", lambda: _sandbox(git))
    repository = _guarded("repository", lambda: _repository(git))
    yield repository
    if repository.status in (Status.FAILED, Status.UNKNOWN) or repository.message == _NO_REPOSITORY:
        return
    for name, look in _OF_REPOSITORY.items():
        yield _guarded(name, partial(look, git))


def _guarded(name: str, look: Callable[[], Check]) -> Check:
    """What cannot be looked at is said, and the other checks go on."""
    try:
        return look()
    except UsageError as wrong:
        return Check(name, Status.FAILED, wrong.message, wrong.hint)
    except TinyError as failure:
        return Check(name, Status.UNKNOWN, failure.message, failure.hint)


def _git_version(git: Git) -> Check:
    text = git.quiet("version").text.removeprefix("git version ")
    found = re.match(r"(\d+)\.(\d+)", text)
    if found is None:
        return Check("git", Status.UNKNOWN, f"its version is not understood: {text}")
    if (int(found[1]), int(found[2])) < OLDEST_GIT:
        return Check("git", Status.FAILED, f"{text} is too old", "install git 2.38 or newer")
    return Check("git", Status.OK, text)


def _pygit2() -> Check:
    try:
        import pygit2
    except ImportError as missing:
        return Check("pygit2", Status.FAILED, str(missing), "install git tiny again: pip install tinycode-git")
    return Check("pygit2", Status.OK, f"{metadata.version('pygit2')}, libgit2 {pygit2.LIBGIT2_VERSION}")


def _command() -> Check:
    place = shutil.which("git-tiny")
    if place is None:
        return Check("command", Status.WARNING, "git-tiny is not on PATH", "'git tiny' needs its folder on PATH")
    return Check("command", Status.OK, place)


def _sandbox(git: Git) -> Check:
    from tinycode_git.git.sandbox import Sandbox

    wanted = config.read(git).choice("tiny.sandbox", ("auto", "require", "off"), "auto")
    if wanted == "off":
        return Check("sandbox", Status.WARNING, "switched off: what agents and gates change is only detected")
    if Sandbox.find() is not None:
        return Check("sandbox", Status.OK, "bubblewrap holds agents and gates")
    status = Status.FAILED if wanted == "require" else Status.WARNING
    words = "none works here: what agents and gates change is detected afterwards, not prevented"
    return Check("sandbox", status, words, "install bubblewrap (Linux)")


def _settings(git: Git) -> Check:
    settings = config.read(git)
    _ = settings.mode, settings.prefix, settings.check
    unknown = settings.unknown()
    if unknown:
        known = ", ".join(config.KNOWN)
        return Check("settings", Status.WARNING, f"not read by anything: {', '.join(unknown)}", f"there are: {known}")
    return Check("settings", Status.OK, ", ".join(sorted(settings.values)) or "none set")


def _mode(git: Git) -> Check:
    held = modes.ceiling(os.environ, config.read(git).mode)
    return Check("mode", Status.OK, f"{held.mode.word} ({held.source})")


_NO_REPOSITORY = "not in a repository: only the machine was looked at"


def _repository(git: Git) -> Check:
    try:
        place, form = git.quiet("rev-parse", "--absolute-git-dir", "--show-object-format").text.split("\n")
    except GitFailed as failure:
        if "dubious ownership" in failure.stderr:
            hint = f"if you trust it: git config --global --add safe.directory {git.cwd}"
            return Check("repository", Status.FAILED, "git refuses it: it belongs to somebody else", hint)
        if "not a git repository" in failure.stderr:
            return Check("repository", Status.OK, _NO_REPOSITORY)
        raise
    if form != "sha1":
        hint = "plans need a SHA-1 repository; scanning, hooks and the audit work"
        return Check("repository", Status.WARNING, f"{place} uses {form}", hint)
    return Check("repository", Status.OK, place)


def _identity(git: Git) -> Check:
    try:
        ident = git.quiet("var", "GIT_COMMITTER_IDENT").text
    except GitFailed:
        hint = "git config --global user.name NAME; git config --global user.email MAIL"
        return Check("identity", Status.FAILED, "git does not know who you are", hint)
    return Check("identity", Status.OK, ident.rpartition(" ")[0].rpartition(" ")[0])


def _signing(git: Git) -> Check:
    asked = git.quiet("config", "--type=bool", "--get", "commit.gpgSign", ok=(0, 1)).text
    if asked != "true":
        return Check("signing", Status.OK, "commits are not signed (commit.gpgSign)")
    form = git.quiet("config", "--get", "gpg.format", ok=(0, 1)).text or "openpgp"
    default = {"openpgp": "gpg", "ssh": "ssh-keygen", "x509": "gpgsm"}.get(form, form)
    program = git.quiet("config", "--get", f"gpg.{form}.program", ok=(0, 1)).text
    program = program or (git.quiet("config", "--get", "gpg.program", ok=(0, 1)).text if form == "openpgp" else "")
    if shutil.which(program or default) is None:
        hint = "install it, or set commit.gpgSign to false"
        return Check("signing", Status.FAILED, f"commit.gpgSign is set and {program or default} is not there", hint)
    return Check("signing", Status.OK, f"{form} with {program or default}")


def _hooks(git: Git) -> Check:
    # A quiet call would answer with the hooksPath that it sets itself.
    folder = Path(git.user("rev-parse", "--path-format=absolute", "--git-path", "hooks").text)
    try:
        names = sorted(entry.name for entry in folder.iterdir() if not entry.name.endswith(".sample"))
    except FileNotFoundError:
        names = []
    except OSError as failure:
        return Check("hooks", Status.UNKNOWN, f"{folder}: {failure.strerror}")
    names = [name for name in names if re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name) and (folder / name).is_file()]
    dead = [name for name in names if not os.access(folder / name, os.X_OK)]
    if dead:
        hint = f"chmod +x {folder}/NAME"
        return Check(
            "hooks", Status.WARNING, f"git does not run these, they are not executable: {', '.join(dead)}", hint
        )
    told = [f"{name} ({_owner(folder / name)})" for name in names]
    return Check("hooks", Status.OK, f"{', '.join(told) or 'none'} in {folder}")


_FRAMEWORKS = ("pre-commit", "prek", "husky", "lefthook", "overcommit")


def _owner(file: Path) -> str:
    """Whose hook it is, from what its first lines say: git tiny's, a framework's, or somebody else's."""
    try:
        with file.open("rb") as stream:
            head = stream.read(4096).decode("utf-8", "replace")
    except OSError as failure:
        return str(failure.strerror)
    if "# installed by git tiny;" in head:
        return (
            "git tiny, and the one before it" if file.with_name(file.name + ".before-git-tiny").exists() else "git tiny"
        )
    made = re.search(rf"(?i)\b({'|'.join(_FRAMEWORKS)})\b", re.sub(rf"\b{re.escape(file.name)}\b(?!\.com)", "", head))
    return made[1].lower() if made else "foreign"


def _prefix(git: Git) -> Check:
    """A branch ``tiny`` leaves no room for branches ``tiny/...``: git keeps refs as files and folders."""
    prefix = config.read(git).prefix
    parts = prefix.split("/")
    inner = ["refs/heads/" + "/".join(parts[: n + 1]) for n in range(len(parts))]
    taken = git.quiet("for-each-ref", "--format=%(refname)", *inner).text.split("\n")
    in_the_way = [ref for ref in inner if ref in taken]
    if in_the_way:
        hint = "git config tiny.prefix NAME gives plan branches another first part"
        return Check(
            "prefix", Status.FAILED, f"the branch {in_the_way[0].removeprefix('refs/heads/')} is in the way", hint
        )
    return Check("prefix", Status.OK, f"plans are branches {prefix}/...")


def _completeness(git: Git) -> Check:
    shallow = git.quiet("rev-parse", "--is-shallow-repository").text == "true"
    partial = git.quiet("config", "--get-regexp", r"^remote\..*\.promisor$", ok=(0, 1)).text
    missing = [word for word, there in (("shallow", shallow), ("partial", bool(partial))) if there]
    if missing:
        hint = "git fetch --unshallow" if shallow else "objects that are not here are not fetched by git tiny"
        return Check("clone", Status.WARNING, f"{' and '.join(missing)}: some objects are not here", hint)
    return Check("clone", Status.OK, "all objects are here")


def _sizes(git: Git) -> Check:
    counts = dict(line.split(": ", 1) for line in git.quiet("count-objects", "-v").text.splitlines() if ": " in line)
    loose, packed = int(counts.get("count", 0)), int(counts.get("in-pack", 0))
    kilobytes = int(counts.get("size", 0)) + int(counts.get("size-pack", 0))
    message = (
        f"{packed + loose} objects, {loose} of them loose, {kilobytes / 1024:.1f} MiB; {_own(git)} of git tiny's own"
    )
    if loose > _MANY_LOOSE:
        return Check("size", Status.WARNING, message, "git gc")
    return Check("size", Status.OK, message)


def _own(git: Git) -> str:
    """The size of ``<git common dir>/tiny`` and the number of plans' records."""
    common = Path(git.quiet("rev-parse", "--path-format=absolute", "--git-common-dir").text)
    size = 0
    for folder, _, names in os.walk(common / "tiny"):
        for name in names:
            try:
                size += (Path(folder) / name).lstat().st_size
            except FileNotFoundError:
                continue
    plans = git.quiet("for-each-ref", "--format=x", "refs/tiny/plans/").text.split()
    return f"{size / (1 << 20):.1f} MiB and {len(plans)} plan{'' if len(plans) == 1 else 's'}"


def _locks(git: Git) -> Check:
    place = Path(git.quiet("rev-parse", "--path-format=absolute", "--git-path", "index.lock").text)
    if place.exists():
        hint = f"if no git command is running: rm '{place}'"
        return Check("lock", Status.WARNING, "the index is locked: a git command runs, or one crashed", hint)
    return Check("lock", Status.OK, "the index is not locked")


_OF_REPOSITORY: dict[str, Callable[[Git], Check]] = {
    "identity": _identity,
    "signing": _signing,
    "hooks": _hooks,
    "prefix": _prefix,
    "clone": _completeness,
    "size": _sizes,
    "lock": _locks,
}


def _print(report: Report) -> None:
    screen = console.for_stdout()
    columns = (Column(), Column(), Column())
    rows = [(Cell(c.status.value, _STYLES[c.status]), c.name, c.message) for c in report.checks]
    lines = table(columns, rows, screen).splitlines()
    for line, check in zip(lines, report.checks, strict=True):
        print(line)
        if check.hint and check.status is not Status.OK:
            print(f"         {screen.paint('do: ' + visible(check.hint), Style.STRONG)}")
