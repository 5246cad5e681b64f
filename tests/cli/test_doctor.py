"""What stands in the way is found, named, and can be mended as the hint says."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.repos import Repo, Result, tiny
from tinycode_git.git.sandbox import Sandbox


def doctor(repo: Repo, **env: str) -> dict[str, dict[str, Any]]:
    done = repo.tiny("doctor", "--json", check=False, env=env)
    report = done.json
    statuses = {check["status"] for check in report["checks"]}
    assert report["ok"] is not bool(statuses & {"failed", "unknown"})
    assert done.code == (1 if "failed" in statuses else 4 if "unknown" in statuses else 0)
    return {check["name"]: check for check in report["checks"]}


def test_a_healthy_repository(repo: Repo) -> None:
    found = doctor(repo)
    assert {
        name: check["status"] for name, check in found.items() if name not in ("command", "sandbox")
    } == dict.fromkeys(
        [
            "git",
            "pygit2",
            "settings",
            "mode",
            "repository",
            "identity",
            "signing",
            "hooks",
            "prefix",
            "clone",
            "size",
            "lock",
        ],
        "ok",
    )
    assert found["identity"]["message"] == "Ada Example <ada@example.com>"
    assert found["repository"]["message"] == str(repo.git_dir())
    assert "0 plans" in found["size"]["message"]


def test_it_changes_nothing(repo: Repo) -> None:
    before = (repo.refs(), repo.files(), sorted(os.walk(repo.git_dir())))
    doctor(repo)
    assert (repo.refs(), repo.files(), sorted(os.walk(repo.git_dir()))) == before


def test_outside_a_repository_the_machine_is_looked_at(world: Path) -> None:
    done = tiny("doctor", "--json", cwd=world)
    assert done.json["ok"] is True
    assert done.json["checks"][-1]["message"].startswith("not in a repository")


def test_what_people_read(repo: Repo) -> None:
    repo.config("tiny.mode", "chat\x1b[2J")
    done: Result = repo.tiny("doctor", check=False)
    assert done.code == 1
    lines = done.out.splitlines()
    at = next(n for n, line in enumerate(lines) if line.split()[:2] == ["failed", "mode"])
    assert "tiny.mode is 'chat\\x1b[2J', which is not a mode" in lines[at]
    assert lines[at + 1].strip() == "do: set it to one of chat, propose, execute, or unset it"
    assert "\x1b" not in done.out


def test_the_sandbox(repo: Repo, world: Path) -> None:
    works = Sandbox.find() is not None
    assert doctor(repo)["sandbox"]["status"] == ("ok" if works else "warning")
    repo.config("tiny.sandbox", "off")
    assert doctor(repo)["sandbox"]["message"] == "switched off: what agents and gates change is only detected"
    repo.config("tiny.sandbox", "require")
    (world / "bin").mkdir()
    (world / "bin/git").symlink_to(str(shutil.which("git")))
    assert doctor(repo, PATH=str(world / "bin"))["sandbox"]["status"] == "failed"


def test_an_old_git(repo: Repo, world: Path) -> None:
    (world / "bin").mkdir()
    (world / "bin/git").write_text("#!/bin/sh\necho git version 2.37.1\n")
    (world / "bin/git").chmod(0o755)
    found = doctor(repo, PATH=f"{world}/bin:{os.environ['PATH']}")
    assert found["git"]["status"] == "failed"
    assert found["git"]["message"] == "2.37.1 is too old"
    assert "repository" not in found


def test_no_git(repo: Repo, world: Path) -> None:
    (world / "empty").mkdir()
    assert doctor(repo, PATH=str(world / "empty"))["git"]["status"] == "unknown"


@pytest.mark.parametrize(
    ("name", "key", "value", "status", "words"),
    [
        ("settings", "tiny.nonsense", "x", "warning", "tiny.nonsense"),
        ("settings", "tiny.prefix", "a..b", "failed", "tiny.prefix (local)"),
        ("prefix", "tiny.prefix", "main/x", "failed", "the branch main is in the way"),
        ("prefix", "tiny.prefix", "plans", "ok", "plans/..."),
    ],
)
def test_settings(repo: Repo, name: str, key: str, value: str, status: str, words: str) -> None:
    repo.config(key, value)
    found = doctor(repo)[name]
    assert found["status"] == status
    assert words in found["message"]


def test_a_branch_in_the_way(repo: Repo) -> None:
    repo.git("branch", "tiny")
    assert doctor(repo)["prefix"]["status"] == "failed"
    repo.config("tiny.prefix", "plans")  # as the hint says
    assert doctor(repo)["prefix"]["status"] == "ok"


def test_no_identity(repo: Repo) -> None:
    repo.git("config", "--global", "--remove-section", "user")
    repo.config("user.useConfigOnly", "true")
    found = doctor(repo)["identity"]
    assert found["status"] == "failed"
    for command in found["hint"].replace("NAME", "Ada").replace("MAIL", "ada@example.com").split("; "):
        subprocess.run(command.split(), check=True)
    assert doctor(repo)["identity"]["status"] == "ok"


def test_signing_without_its_program(repo: Repo) -> None:
    repo.config("commit.gpgSign", "yes")
    repo.config("gpg.program", "no-such-gpg")
    assert doctor(repo)["signing"]["message"] == "commit.gpgSign is set and no-such-gpg is not there"
    repo.config("gpg.format", "ssh")
    repo.config("gpg.ssh.program", "git")
    assert doctor(repo)["signing"]["status"] == "ok"


def test_hooks_that_git_passes_over(repo: Repo) -> None:
    repo.hook("pre-commit", "exit 0")
    assert doctor(repo)["hooks"]["message"].startswith("pre-commit (")
    repo.hook("post-merge", "exit 0").chmod(0o644)
    found = doctor(repo)["hooks"]
    assert (found["status"], "post-merge" in found["message"], "pre-commit" in found["message"]) == (
        "warning",
        True,
        False,
    )


def test_hooks_in_a_folder_of_their_own(repo: Repo) -> None:
    repo.write("hooks-of-mine/pre-push", "#!/bin/sh\n", mode=0o755)
    repo.config("core.hooksPath", "hooks-of-mine")
    assert doctor(repo)["hooks"]["message"] == f"pre-push (foreign) in {repo.path}/hooks-of-mine"


def test_a_shallow_clone(repo: Repo, world: Path) -> None:
    repo.commit("second")
    clone = repo.clone(world / "shallow", "--depth=1", "--no-local")
    assert doctor(clone)["clone"]["message"].startswith("shallow:")


def test_a_lock_left_behind(repo: Repo) -> None:
    (repo.git_dir() / "index.lock").touch()
    found = doctor(repo)["lock"]
    assert found["status"] == "warning"
    assert str(repo.git_dir() / "index.lock") in found["hint"]


def test_other_object_formats(world: Path) -> None:
    repo = Repo.create(world / "sha256", object_format="sha256")
    found = doctor(repo)
    assert found["repository"]["status"] == "warning"
    assert found["lock"]["status"] == "ok"


def test_somebody_elses_repository(repo: Repo) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root to give a repository away")
    for folder, _, names in os.walk(repo.path):
        for name in [folder, *(os.path.join(folder, n) for n in names)]:
            os.chown(name, 12345, 12345)
    found = doctor(repo)["repository"]
    assert found["status"] == "failed"
    command = found["hint"].removeprefix("if you trust it: ").split()
    subprocess.run(command, check=True)
    assert doctor(repo)["repository"]["status"] == "ok"


def test_a_configuration_that_git_cannot_read(repo: Repo) -> None:
    with (repo.git_dir() / "config").open("a") as file:
        file.write("[tiny\n")
    found = doctor(repo)
    assert {found["settings"]["status"], found["repository"]["status"]} == {"unknown"}
