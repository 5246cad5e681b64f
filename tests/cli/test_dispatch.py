"""Verbs: found by name, loaded alone, with the options that stand before them."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path

import pytest

from tests.repos import ROOT, TINY, Repo, run, tiny
from tinycode_git import __version__
from tinycode_git.commands.app import load
from tinycode_git.verbs import VERBS

HEAVY = (
    "typer",
    "rich",
    "pygit2",
    "duckdb",
    "ast_grep_py",
    "hyperscan",
    "psutil",
    "ollama",
    "dataclasses",
    "importlib.metadata",
)


# Verbs whose words another verb also uses.
SHARING = {"install": ("uninstall",)}

LISTING = """
import sys
from tinycode_git.cli import main
main(sys.argv[1:])
print("", *sys.modules, sep="\\nloaded ", file=sys.stderr)
"""


def imported(*args: str, cwd: Path) -> set[str]:
    """Every module that a run of git tiny holds at its end, in an interpreter without site-specific start-up."""
    done = run([sys.executable, "-P", "-c", LISTING, *args], cwd=cwd, env={"PYTHONPATH": str(ROOT)})
    return {line.removeprefix("loaded ") for line in done.err.splitlines() if line.startswith("loaded ")}


@pytest.mark.parametrize("args", [("--version",), ("version",)])
def test_the_version_costs_no_import(world: Path, args: tuple[str, ...]) -> None:
    assert tiny(*args, cwd=world).out == f"git-tiny {__version__}\n"
    loaded = imported(*args, cwd=world)
    ours = {name for name in loaded if name.startswith("tinycode_git")}
    assert ours == {"tinycode_git", *(f"tinycode_git.{name}" for name in ("cli", "boundary", "ending", "errors"))}
    assert not loaded & {*HEAVY, "subprocess", "pathlib", "json", "traceback", "platformdirs"}


@pytest.mark.parametrize("args", [(), ("--help",), ("-h",), ("help",), ("no-such-verb",)])
def test_help_imports_no_verb(world: Path, args: tuple[str, ...]) -> None:
    loaded = imported(*args, cwd=world)
    assert not [name for name in loaded if name.startswith("tinycode_git.commands")]
    assert not loaded & set(HEAVY)


@pytest.mark.parametrize("name", VERBS)
def test_a_verb_imports_itself_alone(world: Path, name: str) -> None:
    """Its own module and what it shares; none of the other verbs, and nothing heavy before it is needed."""
    loaded = imported(name, "--help", cwd=world)
    others = {verb.module for other, verb in VERBS.items() if other != name and name not in SHARING.get(other, ())}
    assert VERBS[name].module in loaded
    assert not loaded & others
    assert not loaded & {"rich", "pygit2", "duckdb", "ast_grep_py", "hyperscan", "psutil", "ollama"}


def commands() -> list[tuple[str, ...]]:
    """Every verb, and of a group every command inside."""
    found: list[tuple[str, ...]] = []
    for name, verb in VERBS.items():
        if importlib.util.find_spec(verb.module) is None:  # which a test of its own says
            continue
        inside = getattr(load(verb), "commands", {})
        found += [(name, inner) for inner in inside] or [(name,)]
    return found


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_every_command_explains_itself(world: Path, words: tuple[str, ...]) -> None:
    shown = tiny(*words, "--help", cwd=world).out
    assert shown.startswith(f"Usage: git tiny {' '.join(words)} ")
    assert shown == tiny(*words, "-h", cwd=world).out
    assert "--install-completion" not in shown
    assert all(line.isprintable() for line in shown.splitlines())
    assert max(map(len, shown.splitlines())) <= 110
    for promised in ("Examples:", "Exit codes:", f"git tiny {words[0]}"):
        assert promised in shown, f"the help of {' '.join(words)} has no {promised}"


@pytest.mark.parametrize("name", VERBS)
def test_help_of_a_verb_is_its_help(world: Path, name: str) -> None:
    assert tiny("help", name, cwd=world).out == tiny(name, "--help", cwd=world).out


@pytest.mark.parametrize("name", VERBS)
def test_every_verb_has_a_module_and_a_short_summary(name: str) -> None:
    verb = VERBS[name]
    assert importlib.util.find_spec(verb.module)
    assert re.fullmatch(r"[a-z][a-z-]*", name)
    assert verb.summary[0].isupper()
    assert len(verb.summary) <= 68
    assert not verb.summary.endswith(".")
    load(verb)


def test_root_help_lists_every_verb_once(world: Path) -> None:
    shown = tiny("--help", cwd=world).out
    listed = re.findall(r"^   ([a-z][a-z-]*) {2,}(\S.*)$", shown, re.M)
    assert listed == [(name, verb.summary) for name, verb in sorted(VERBS.items(), key=lambda item: _place(item[0]))]
    assert shown.startswith("usage: git tiny ")


def _place(name: str) -> tuple[int, int]:
    sections = list(dict.fromkeys(verb.section for verb in VERBS.values()))
    return sections.index(VERBS[name].section), list(VERBS).index(name)


def test_nothing_asked_is_a_wrong_use(world: Path) -> None:
    done = tiny(cwd=world, check=False)
    assert (done.code, done.out) == (2, "")
    assert done.err == tiny("--help", cwd=world).out


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("verson", "version"),
        ("ver", "version"),
        ("mdoe", "mode"),
        ("MODE", "git tiny -h lists the verbs"),
        ("zz", "lists the verbs"),
    ],
)
def test_an_unknown_verb_names_the_nearest(world: Path, typed: str, meant: str) -> None:
    done = tiny(typed, cwd=world, check=False)
    assert done.code == 2
    assert f"git tiny has no verb '{typed}'" in done.err
    assert meant in done.err.splitlines()[1]


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("mode", "--no-such-option"), "No such option: --no-such-option"),
        (("version", "extra"), "unexpected extra argument"),
        (("--bare", "mode"), "unknown option before the verb: --bare"),
        (("-C",), "-C needs a folder"),
        (("-C", "nowhere", "mode"), "cannot change to nowhere: No such file or directory"),
        (("\x1b[2J",), "has no verb '\\x1b[2J'"),
    ],
)
def test_wrong_use_is_one_line_and_exit_2(world: Path, args: tuple[str, ...], message: str) -> None:
    done = tiny(*args, cwd=world, check=False)
    assert (done.code, done.out) == (2, "")
    assert message in done.err.splitlines()[0]
    assert len(done.err.splitlines()) <= 2


@pytest.mark.parametrize("args", [("config",), ("config", "nope"), ("backups",)])
def test_a_group_names_its_commands(world: Path, args: tuple[str, ...]) -> None:
    done = tiny(*args, cwd=world, check=False)
    assert done.code == 2
    assert re.fullmatch(
        rf"hint: git tiny {args[0]} takes one of: list, \w+.*; see git tiny {args[0]} --help", done.err.splitlines()[1]
    )


def test_an_unknown_option_is_not_answered_with_help_as_a_likely_one(world: Path) -> None:
    assert tiny("plans", "--hepl", cwd=world, check=False).err.splitlines()[0] == "error: No such option: --hepl"


def test_wrong_use_with_json(world: Path) -> None:
    done = tiny("mode", "--json", "--nonsense", cwd=world, check=False)
    assert done.json["error"]["exit"] == done.code == 2
    assert tiny("mode", "--", "--json", cwd=world, check=False).out == ""


def test_folders_add_up_as_with_git(repo: Repo) -> None:
    repo.config("tiny.mode", "chat")
    outside = repo.path.parent
    asked = ("-C", "repo", "-C", "", "-C", "src", "mode")
    assert tiny(*asked, cwd=outside).out.startswith("chat (tiny.mode)")
    assert tiny("mode", cwd=outside).out.startswith("execute (default)")


def test_through_git_itself(repo: Repo) -> None:
    with_tiny = {"PATH": f"{_shim(repo.path.parent)}:{_path()}", "PYTHONPATH": str(ROOT)}
    assert run(["git", "tiny", "--version"], cwd=repo.path, env=with_tiny).out == f"git-tiny {__version__}\n"
    repo.config("tiny.mode", "propose")
    asked = ["git", "-C", "repo", "tiny", "mode"]
    assert run(asked, cwd=repo.path.parent, env=with_tiny).out.startswith("propose (tiny.mode)")
    asked = ["git", "-C", "repo", "-c", "tiny.mode=chat", "tiny", "mode"]
    assert run(asked, cwd=repo.path.parent, env=with_tiny).out.startswith("chat (tiny.mode)")
    assert run(["git", "tiny", "nonsense"], cwd=repo.path, env=with_tiny, check=False).code == 2


def _shim(folder: Path) -> Path:
    """A folder for PATH with a ``git-tiny`` that runs this source."""
    place = folder / "bin" / "git-tiny"
    place.parent.mkdir(exist_ok=True)
    place.write_text(f'#!/bin/sh\nexec {" ".join(TINY)} "$@"\n')
    place.chmod(0o755)
    return place.parent


def _path() -> str:
    import os

    return os.environ["PATH"]


@pytest.mark.parametrize(
    "args",
    [
        ("status",),
        ("plans",),
        ("plans", "--json"),
        ("show",),
        ("diff",),
        ("apply", "--dry-run"),
        ("mode",),
        ("version", "-v"),
    ],
    ids=" ".join,
)
def test_what_is_run_often_loads_nothing_heavy(repo: Repo, args: tuple[str, ...]) -> None:
    """A run with work to do, not its help: what a library loads behind our back counts too."""
    repo.tiny("propose", "--recipe", "replace", "hello", "goodbye")
    loaded = imported(*args, cwd=repo.path)
    assert not loaded & {
        "rich",
        "pydantic",
        "pygit2",
        "duckdb",
        "ast_grep_py",
        "hyperscan",
        "re2",
        "psutil",
        "ollama",
        "ssl",
    }
