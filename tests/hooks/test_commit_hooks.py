"""pre-commit, commit-msg, pre-merge-commit, post-commit: real commits and merges."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.hooks.conftest import TOKEN, install, stage
from tests.repos import ROOT, Repo, run


def test_a_clean_commit_is_made_without_a_word(hooked: Repo) -> None:
    stage(hooked, "a.txt", "nothing to see\n")
    done = hooked.git("commit", "-m", "clean")
    assert done.err == ""


def test_a_secret_is_refused_with_a_caret_and_what_to_do(hooked: Repo) -> None:
    before = hooked.oid()
    stage(hooked, "settings.py", f"# one\ntoken = '{TOKEN}'\n")
    done = hooked.git("commit", "-m", "x", check=False)
    assert done.code == 1
    assert hooked.oid() == before
    assert done.err == (
        "settings.py:2:10: critical: github-token\n"
        "    token = 'ghp_...[40 characters]'\n"
        "             ^^^^^^^^^^^^^^^^^^^^^^\n"
        "  why: a GitHub token gives whoever reads it the owner's access\n"
        "  do:  revoke it under Settings > Developer settings, then read it from the environment or a secret store\n"
        "\n"
        "1 finding, 1 block (1 scanned, 1 path; tier standard)\n"
        "git tiny: pre-commit refused\n"
    )


def test_a_refusal_is_in_the_audit_log_without_the_secret(hooked: Repo) -> None:
    stage(hooked, "a.py", f"t = '{TOKEN}'\n")
    hooked.git("commit", "-m", "x", check=False)
    journal = (hooked.git_dir() / "tiny" / "journal").read_bytes()
    assert b"hook-refused" in journal
    assert b"github-token" in journal
    assert TOKEN[6:].encode() not in journal


def test_what_is_staged_counts_not_what_is_on_disk(hooked: Repo) -> None:
    stage(hooked, "a.py", f"t = '{TOKEN}'\n")
    hooked.write("a.py", "t = None\n")
    assert hooked.git("commit", "-m", "x", check=False).code == 1
    stage(hooked, "a.py", "t = None\n")
    hooked.write("a.py", f"t = '{TOKEN}'\n")
    assert hooked.git("commit", "-m", "x").code == 0


@pytest.mark.parametrize("how", [("-a",), ("hello.txt",), ("--include", "hello.txt")])
def test_every_way_to_commit_is_seen(hooked: Repo, how: tuple[str, ...]) -> None:
    hooked.write("hello.txt", f"t = '{TOKEN}'\n")
    done = hooked.git("commit", "-m", "x", *how, check=False)
    assert (done.code, "github-token" in done.err) == (1, True)


def test_a_commit_of_one_path_leaves_the_other_staged_paths_out(hooked: Repo) -> None:
    stage(hooked, "bad.txt", f"t = '{TOKEN}'\n")
    hooked.write("hello.txt", "hello again\n")
    assert hooked.git("commit", "-m", "x", "hello.txt").code == 0


def test_the_first_commit_of_a_repository(world: Path) -> None:
    fresh = Repo.create(world / "fresh")
    install(fresh)
    stage(fresh, "a.txt", f"t = '{TOKEN}'\n")
    assert fresh.git("commit", "-m", "x", check=False).code == 1
    stage(fresh, "a.txt", "fine\n")
    assert fresh.git("commit", "-m", "x").code == 0


def test_an_empty_commit_and_a_deletion_are_fine(hooked: Repo) -> None:
    assert hooked.git("commit", "--allow-empty", "-m", "nothing").code == 0
    hooked.git("rm", "-q", "hello.txt")
    assert hooked.git("commit", "-m", "gone").code == 0


@pytest.mark.parametrize("attributes", ["*.py binary\n", "*.py -diff\n", "* -text -diff\n", "*.py diff=none\n"])
def test_no_attribute_hides_a_file(hooked: Repo, attributes: str) -> None:
    stage(hooked, ".gitattributes", attributes)
    hooked.git("commit", "-m", "attributes")
    stage(hooked, "a.py", f"t = '{TOKEN}'\n")
    assert hooked.git("commit", "-m", "x", check=False).code == 1


def test_the_message_is_looked_at(hooked: Repo) -> None:
    done = hooked.git("commit", "--allow-empty", "-m", f"use {TOKEN}", check=False)
    assert done.code == 1
    assert "message:1:5: critical: github-token" in done.err


def test_what_commit_v_shows_is_not_the_message(hooked: Repo, world: Path) -> None:
    editor = world / "editor"
    editor.write_text('#!/bin/sh\nprintf \'a message\\n\' | cat - "$1" > "$1.new" && mv "$1.new" "$1"\n')
    editor.chmod(0o755)
    hooked.git("commit", "-q", "--no-verify", "-m", "x", "--allow-empty")
    hooked.write("gone.txt", f"t = '{TOKEN}'\n")
    hooked.git("add", "gone.txt")
    hooked.git("commit", "-q", "--no-verify", "-m", "in")
    hooked.git("rm", "-q", "gone.txt")  # the diff that -v shows holds the token
    assert hooked.git("commit", "-v", env={"GIT_EDITOR": str(editor)}).code == 0


def _branches(repo: Repo) -> None:
    repo.branch("side")
    stage(repo, "side.txt", f"t = '{TOKEN}'\n")
    stage(repo, "both.txt", "side\n")
    repo.git("commit", "-q", "--no-verify", "-m", "side")
    repo.git("checkout", "-q", "main")
    stage(repo, "both.txt", "main\n")
    repo.git("commit", "-q", "--no-verify", "-m", "main")


def test_a_merge_answers_only_for_what_no_parent_has(hooked: Repo) -> None:
    _branches(hooked)
    hooked.git("merge", "side", check=False)
    stage(hooked, "both.txt", "solved\n")
    assert hooked.git("commit", "-m", "merged", check=False).code == 0


def test_an_evil_merge_is_refused(hooked: Repo) -> None:
    _branches(hooked)
    hooked.git("merge", "side", check=False)
    stage(hooked, "both.txt", "solved\nx = 1\neval(input())\n" + f"other = '{TOKEN[:-6]}'\n")
    stage(hooked, "evil.py", "eval(input())\n")
    done = hooked.git("commit", "-m", "merged", check=False)
    assert (done.code, "python-eval" in done.err) == (1, True)


def test_a_clean_merge_runs_the_check_as_well(hooked: Repo) -> None:
    hooked.branch("side")
    hooked.commit("side", {"side.txt": "fine\n"})
    hooked.git("checkout", "-q", "main")
    hooked.commit("main", {"main.txt": "fine\n"})
    assert hooked.git("merge", "--no-edit", "side").code == 0


def test_a_commit_made_past_the_hook_is_said_and_written_down(hooked: Repo) -> None:
    stage(hooked, "a.py", f"t = '{TOKEN}'\n")
    done = hooked.git("commit", "--no-verify", "-m", "x")
    assert "pre-push will refuse it" in done.err
    assert b"hook-bypassed" in (hooked.git_dir() / "tiny" / "journal").read_bytes()


def test_moved_and_reformatted_code_stays_quiet(hooked: Repo) -> None:
    text = "def f(x):\n    return eval(x)\n"
    hooked.write("a.py", text)
    hooked.git("add", "a.py")
    hooked.git("commit", "-q", "--no-verify", "-m", "x")
    hooked.git("mv", "a.py", "b.py")
    stage(hooked, "b.py", "# moved\n\n\ndef f( x ):\n        return eval( x )\n")
    done = hooked.git("commit", "-m", "moved")
    assert "python-eval" not in done.err
    stage(hooked, "b.py", "def f(x):\n    return eval(x)\n\ndef g(x):\n    return eval(x)\n")
    assert hooked.git("commit", "-m", "one more", check=False).code == 1


def test_a_guard_that_is_taken_out_is_told(hooked: Repo) -> None:
    hooked.config("tiny.tier", "strict")
    stage(hooked, "c.py", "import ssl\nctx.verify_mode = ssl.CERT_REQUIRED\n")
    hooked.git("commit", "-m", "guarded")
    stage(hooked, "c.py", "import ssl\n")
    done = hooked.git("commit", "-m", "x", check=False)
    assert (done.code, "tls-check-removed" in done.err) == (1, True)


CANARIES = {
    "core.fsmonitor": "{}",
    "core.hooksPath": "{dir}",
    "core.pager": "{}",
    "core.sshCommand": "{}",
    "core.gitProxy": "{}",
    "core.askPass": "{}",
    "core.editor": "{}",
    "diff.external": "{}",
    "diff.canary.textconv": "{}",
    "diff.canary.command": "{}",
    "filter.canary.clean": "{}",
    "filter.canary.smudge": "{}",
    "filter.canary.process": "{}",
    "merge.canary.driver": "{}",
    "gpg.program": "{}",
    "gpg.ssh.program": "{}",
    "gpg.ssh.defaultKeyCommand": "{}",
    "log.showSignature": "true",
    "commit.gpgSign": "true",
    "credential.helper": "!{}",
    "uploadpack.packObjectsHook": "{}",
    "remote.evil.url": "ext::{}",
    "remote.evil.promisor": "true",
    "extensions.partialClone": "evil",
    "interactive.diffFilter": "{}",
    "sequence.editor": "{}",
    "trailer.x.command": "{}",
    "alias.diff-index": "!{}",
    "alias.cat-file": "!{}",
}


@pytest.mark.parametrize(
    "hook", ["pre-commit", "commit-msg", "pre-push", "post-commit", "post-merge", "post-checkout", "update"]
)
def test_a_hostile_configuration_runs_nothing(repo: Repo, world: Path, program: Path, hook: str) -> None:
    first = repo.oid()
    stage(repo, "b.txt", "more\n")
    repo.git("commit", "-q", "-m", "second")
    repo.git("update-ref", "ORIG_HEAD", first)
    stage(repo, "a.canary", "text\n")
    stage(repo, ".gitattributes", "* diff=canary filter=canary merge=canary\n")
    touched = world / "touched"
    evil = world / "evil"
    evil.mkdir()
    script = evil / "pre-commit"
    script.write_text(f"#!/bin/sh\ntouch '{touched}'\nexit 1\n")
    script.chmod(0o755)
    for name in ("post-index-change", "reference-transaction", "post-checkout", "fsmonitor-watchman"):
        (evil / name).write_bytes(script.read_bytes())
        (evil / name).chmod(0o755)
    for key, value in CANARIES.items():
        repo.config(key, value.replace("{dir}", str(evil)).replace("{}", str(script)))
    repo.write("a.canary", "changed on disk, so that a clean filter would be asked\n")
    message = world / "message"
    message.write_text("a message\n")
    head = repo.git_dir().joinpath("refs/heads/main").read_text().strip()
    args = {
        "commit-msg": [str(message)],
        "pre-push": ["origin", "x"],
        "post-merge": ["0"],
        "post-checkout": [first, head, "1"],
        "update": ["refs/heads/main", first, head],
    }.get(hook, [])
    line = f"refs/heads/main {head} refs/heads/main {first}\n"
    done = run([program, hook, *args], cwd=repo.path, input=line if hook == "pre-push" else "", check=False)
    assert done.code == 0, str(done)
    assert not touched.exists()


def test_a_hook_imports_none_of_what_is_slow(repo: Repo) -> None:
    stage(repo, "a.txt", "fine\n")
    probe = (
        "import sys\nfrom tinycode_hooks.entry import main\ncode = main(['pre-commit'])\n"
        "slow = {'typer', 'rich', 'duckdb', 'pygit2', 'ollama', 'click', 'dataclasses', 'inspect', 'ast_grep_py'}\n"
        "print(code, sorted(slow & set(sys.modules)))\n"
    )
    env = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'hooks'}"}
    done = subprocess.run([sys.executable, "-P", "-c", probe], cwd=repo.path, env=env, capture_output=True, check=True)
    assert done.stdout.decode() == "0 []\n"


def test_an_unknown_hook_is_a_wrong_use(repo: Repo, program: Path) -> None:
    done = run([program, "no-such-hook"], cwd=repo.path, check=False)
    assert (done.code, "NAME is one of" in done.err) == (2, True)


def test_json_of_a_scan_has_the_documented_shape(repo: Repo) -> None:
    stage(repo, "a.py", "eval(x)\n")
    done = repo.tiny("scan", "--staged", "--json", check=False)
    (finding,) = json.loads(done.stdout)["findings"]
    assert {"rule", "family", "severity", "confidence", "path", "line", "column", "end_line", "end_column"} <= set(
        finding
    )
    assert {"message", "fingerprint", "redacted", "oid"} <= set(finding)
    assert set(json.loads(done.stdout)["receipt"]) == {"scanned", "cached", "paths", "bytes", "skipped"}


BROKEN = {".gitleaks.toml": '[[rules]]\nid = "x"\nregex = "("\n', ".tiny.toml": "tier = [\n"}


@pytest.mark.parametrize("file", BROKEN)
def test_a_broken_policy_stops_commits_until_one_takes_it_away(repo: Repo, file: str) -> None:
    repo.commit("start", {file: BROKEN[file]})
    install(repo)
    repo.write("a.txt", "one\n")
    repo.git("add", "-A")
    refused = repo.git("commit", "-q", "-m", "x", check=False)
    assert (refused.code, f"{file}:" in refused.err) == (1, True)
    repo.git("rm", "-q", "-f", file)
    assert "judged by the file as it is staged" in repo.git("commit", "-q", "-m", "x").err
