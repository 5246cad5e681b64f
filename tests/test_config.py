"""Settings, read by the real git from real files."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.repos import Repo, run
from tinycode_git import config
from tinycode_git.config import Scope, Settings, Value
from tinycode_git.errors import UsageError
from tinycode_git.git.process import Git, GitFailed


def read(repo: Repo) -> Settings:
    return config.read(Git(repo.path, {}))


def _append(repo: Repo, raw: bytes) -> None:
    with (repo.path / ".git/config").open("ab") as file:
        file.write(raw)


def test_scopes_are_told_apart_and_the_last_counts(repo: Repo) -> None:
    run(["git", "config", "--global", "tiny.check", "make check"], cwd=repo.path)
    repo.config("tiny.check", "of the clone")
    repo.config("extensions.worktreeConfig", "true")
    repo.git("config", "--worktree", "tiny.check", "of the worktree")
    settings = config.read(
        Git(repo.path, {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "tiny.x", "GIT_CONFIG_VALUE_0": "y"})
    )
    assert settings.values["tiny.check"] == (
        Value(Scope.GLOBAL, "make check"),
        Value(Scope.LOCAL, "of the clone"),
        Value(Scope.WORKTREE, "of the worktree"),
    )
    assert settings.check == "of the worktree"
    assert settings.of_user("tiny.check") == "make check"
    assert settings.value("tiny.x") == Value(Scope.COMMAND, "y")
    assert settings.unknown() == ["tiny.x"]


def test_nothing_set_is_the_defaults(repo: Repo) -> None:
    settings = read(repo)
    assert (settings.mode, settings.prefix, settings.check, settings.unknown()) == (None, "tiny", "", [])
    assert config.read(Git(repo.path.parent, {})).values == {}


def test_values_of_several_lines_and_other_bytes(repo: Repo) -> None:
    repo.config("tiny.check", "one\ntwo = three\n")
    assert read(repo).check == "one\ntwo = three\n"
    _append(repo, b"[Tiny]\n\tCheck = caf\xe9\n")
    assert read(repo).text("tiny.Check") == "caf\udce9"


def test_subsections_keep_their_case(repo: Repo) -> None:
    repo.config("tiny.Model.A.Name", "x")
    assert read(repo).text("Tiny.Model.A.NAME") == "x"
    assert read(repo).value("tiny.model.a.name") is None


@pytest.mark.parametrize(
    ("text", "flag"),
    [("true", True), ("Yes", True), ("on", True), ("1", True), ("false", False), ("", False), ("0", False)],
)
def test_flags_as_git_reads_them(repo: Repo, text: str, flag: bool) -> None:
    repo.config("tiny.x", text)
    assert read(repo).flag("tiny.x", not flag) is flag
    assert repo.git("config", "--type=bool", "tiny.x").text == str(flag).lower()


def test_a_key_without_a_value(repo: Repo) -> None:
    _append(repo, b"[tiny]\n\tcheck\n")
    assert read(repo).flag("tiny.check", False) is True
    with pytest.raises(UsageError, match=r"tiny.check \(local\) is without a value; it must be text"):
        _ = read(repo).check


@pytest.mark.parametrize(("text", "number"), [("0", 0), ("12", 12), ("2k", 2048), ("3M", 3 << 20), ("1g", 1 << 30)])
def test_numbers_as_git_reads_them(repo: Repo, text: str, number: int) -> None:
    repo.config("tiny.x", text)
    assert read(repo).number("tiny.x", 7) == number
    assert int(repo.git("config", "--type=int", "tiny.x").text) == number


@pytest.mark.parametrize("text", ["", "k", "-1", "1.5", "many", "٣"])
def test_what_is_no_number_is_refused(repo: Repo, text: str) -> None:
    repo.config("tiny.x", text)
    with pytest.raises(UsageError, match="it must be a number") as refused:
        read(repo).number("tiny.x", 7)
    assert refused.value.hint == "git config --local tiny.x VALUE sets it, git config --local --unset tiny.x removes it"


def test_choices(repo: Repo) -> None:
    assert read(repo).choice("tiny.x", ("a", "b"), "b") == "b"
    repo.config("tiny.x", "a")
    assert read(repo).choice("tiny.x", ("a", "b"), "b") == "a"
    repo.config("tiny.x", "c")
    with pytest.raises(UsageError, match="it must be one of a, b"):
        read(repo).choice("tiny.x", ("a", "b"), "b")


@pytest.mark.parametrize("prefix", ["tiny", "plans/of-mine", "t", "ü", "@x"])
def test_a_prefix_that_git_takes(repo: Repo, prefix: str) -> None:
    repo.config("tiny.prefix", prefix)
    assert read(repo).prefix == prefix
    repo.git("check-ref-format", f"refs/heads/{prefix}/x")


@pytest.mark.parametrize(
    "prefix",
    [
        "",
        "-x",
        "/x",
        "x/",
        "a..b",
        "a b",
        "a~",
        "a^",
        "a:",
        "a?",
        "a*",
        "a[",
        "a\\",
        ".a",
        "a/.b",
        "a.lock",
        "a//b",
        "a@{b",
    ],
)
def test_a_prefix_that_git_refuses(repo: Repo, prefix: str) -> None:
    repo.config("tiny.prefix", prefix)
    with pytest.raises(UsageError, match="a name that a branch may begin with"):
        _ = read(repo).prefix
    if not prefix.startswith("-"):
        assert repo.git("check-ref-format", f"refs/heads/{prefix}/x", check=False).code != 0


def test_git_reports_a_file_that_it_cannot_read(repo: Repo) -> None:
    _append(repo, b"[tiny\n")
    with pytest.raises(GitFailed, match="bad config line"):
        read(repo)


def test_every_known_setting_is_a_key(world: Path) -> None:
    assert all(key == key.lower() and key.startswith("tiny.") for key in config.KNOWN)
