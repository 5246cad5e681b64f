"""Steps, merges and reverts are signed where commit.gpgSign says so; a program that fails or hangs ends it cleanly."""

from __future__ import annotations

import time
from pathlib import Path

import psutil
import pytest

from tests.plan.plans import Made, apply, make_plan, untouched
from tests.repos import Repo, run


@pytest.fixture
def signing(repo: Repo, world: Path) -> Repo:
    """The repository, with an SSH key that signs, and is allowed to."""
    key = world / "home/key"
    run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "ada@example.com", "-f", key], cwd=world)
    allowed = world / "home/allowed"
    allowed.write_text(f"ada@example.com {key.with_suffix('.pub').read_text()}")
    repo.config("gpg.format", "ssh")
    repo.config("user.signingKey", str(key.with_suffix(".pub")))
    repo.config("gpg.ssh.allowedSignersFile", str(allowed))
    repo.config("commit.gpgSign", "true")
    return repo


def program(repo: Repo, world: Path, script: str) -> None:
    place = world / "home/signer"
    place.write_text(f"#!/bin/sh\n{script}\n")
    place.chmod(0o755)
    repo.config("gpg.ssh.program", str(place))


def test_steps_merge_and_revert_are_signed_and_verify(signing: Repo) -> None:
    plan = make_plan(signing, {"hello.txt": "one\n"}, {"hello.txt": "two\n"})
    apply(signing, plan)
    signing.tiny("rollback", "--revert")
    signing.git("verify-commit", f"{plan.tip}~1", plan.tip, "main", "main^")
    assert signing.git("log", "-4", "--format=%G?").out.split() == ["G"] * 4
    signing.fsck()


@pytest.mark.parametrize("off", ["false", None])
def test_nothing_is_signed_where_it_is_not_asked_for(signing: Repo, off: str | None) -> None:
    if off is None:
        signing.git("config", "--unset", "commit.gpgSign")
    else:
        signing.config("commit.gpgSign", off)
    apply(signing, make_plan(signing, {"hello.txt": "one\n"}))
    assert signing.git("log", "-2", "--format=%G?").out.split() == ["N", "N"]


def test_the_program_that_signs_is_the_users(signing: Repo, world: Path) -> None:
    program(signing, world, 'echo run >> "$HOME/signed"; exec ssh-keygen "$@"')
    apply(signing, make_plan(signing, {"hello.txt": "one\n"}))
    assert (world / "home/signed").read_text() == "run\nrun\n"


def test_a_program_that_fails_refuses_with_its_words(signing: Repo, world: Path) -> None:
    plan = make_plan(signing, {"hello.txt": "one\n"})
    program(signing, world, "echo no such token >&2; exit 1")
    with untouched(signing):
        answer = apply(signing, plan, check=False)
        proposed = signing.tiny("propose", "--from-range", plan.tip, check=False)
    assert (answer.code, proposed.code) == (1, 1)
    for one in (answer, proposed):
        assert "could not be signed" in one.err
        assert "no such token" in one.err
        assert "commit.gpgSign" in one.err
    assert signing.tiny("show", plan.id, "--json").json["state"] == "open"
    assert len(signing.tiny("plans", "--json").json["plans"]) == 1


def hanging(world: Path) -> list[psutil.Process]:
    """What the signer of this test started and is still alive."""
    return [p for p in psutil.process_iter(["cmdline"]) if str(world / "home/hung") in (p.info["cmdline"] or [])]


def test_a_program_that_hangs_is_ended_with_all_it_started(signing: Repo, world: Path) -> None:
    plan = make_plan(signing, {"hello.txt": "one\n"})
    (world / "home/hung").write_text("while :; do sleep 1; done\n")
    program(signing, world, f"trap '' TERM; sh {world / 'home/hung'} & wait; sleep 1000")
    signing.config("tiny.signTimeout", "1")
    with untouched(signing):
        answer = apply(signing, plan, check=False)
    assert answer.code == 1
    assert "did not end within 1 s and was ended" in answer.err
    deadline = time.monotonic() + 20
    while hanging(world) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert hanging(world) == []
    assert signing.tiny("show", plan.id, "--json").json["state"] == "open"


def test_a_missing_key_is_refused(signing: Repo, world: Path) -> None:
    plan: Made = make_plan(signing, {"hello.txt": "one\n"})
    signing.config("user.signingKey", str(world / "nowhere.pub"))
    with untouched(signing):
        answer = apply(signing, plan, check=False)
    assert answer.code == 1
    assert "user.signingKey" in answer.err
