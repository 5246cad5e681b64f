"""What a failing program printed: without its secrets for the model and the record, whole on this machine only."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path

import pytest

from tests.llm.answers import change, plan, whole
from tests.llm.inside import refused
from tests.llm.server import Say, Script
from tests.llm.test_together import first_record
from tests.repos import Repo
from tests.world import tick
from tinycode_git.commands.failing import KEPT, keep, kept, without_secrets

APP = "def main() -> int:\n    return 1\n"
TOKEN = "ghp" + "_1234567890abcdefghijABCDEFGHIJ0DgcSv"
PEM = "-----{} RSA PRIVATE " + "KEY-----"
KEY = "\n".join(
    [
        PEM.format("BEGIN"),
        *(f"MIIEpAIBAAKCAQEA7bq9Zx8lK2mN4pQ6rS8tU0vW2xY4zA6b{n}" for n in range(9)),
        PEM.format("END"),
    ]
)


@pytest.mark.parametrize(
    ("printed", "left", "gone"),
    [
        (f"HTTPError: 401 for token {TOKEN}", "HTTPError: 401 for token ghp_...[40 characters]", TOKEN[8:]),
        (f"before\n{KEY}\nafter", "\nafter", "MIIEpAIBAAKCAQEA7bq9Zx8lK2mN4pQ6rS8tU0vW2xY4zA6b3"),
        (f"{TOKEN} and {TOKEN}", "ghp_...[40 characters] and ghp_...[40 characters]", TOKEN[8:]),
        ("src/app.py:2: AssertionError: not two", "src/app.py:2: AssertionError: not two", TOKEN),
        ("caf\udce9 ü \x1b[31m", "ü \x1b[31m", TOKEN),
        ("", "", TOKEN),
    ],
)
def test_secrets_are_taken_out_and_nothing_else(printed: str, left: str, gone: str) -> None:
    found = without_secrets(printed)
    assert left in found
    assert gone not in found


def test_no_secret_of_the_output_reaches_the_model_or_the_record(set_up: Repo, server: Script) -> None:
    noise = "noise of the build\n" * 60
    printed = f'  File "src/app.py", line 2, in main\n{noise}ValueError: {TOKEN} was refused\n'
    server.say(plan(change("One", "src/app.py"), change("Greet", "hello.txt")), whole(APP), Say("half", gone=0))
    done = set_up.tiny("fix", "--error", "-", "--json", input=printed, check=False)
    assert done.code == 4, "the server went away after the first step"
    draft = done.json
    assert draft["task"] == "mend: ValueError: ghp_...[40 characters] was refused"
    record = set_up.show(first_record(set_up, draft["id"]), "model.json").decode()
    assert TOKEN not in record + json.dumps(server.asked) + json.dumps(draft)
    asked = json.loads(record)["asked"]
    assert len(asked["problem"]) <= 400 and asked["problem"].endswith("src/app.py:2")
    (place,) = (set_up.git_dir() / "tiny/failures").iterdir()
    assert place.name == asked["problem_sha256"] == sha256(place.read_bytes()).hexdigest()
    text = place.read_text()
    assert TOKEN not in text and "noise of the build" in text

    server.say(whole("hello again\n", ""))
    made = set_up.tiny("propose", "--continue", draft["id"], "--json").json
    assert text in server.questions()[-1], "the whole of it is asked again here"
    place.unlink()
    gone = refused(set_up.path, "replay", made["id"])
    assert gone.exit == 4
    assert "is not kept in this clone" in gone.message


def test_elsewhere_only_the_end_is_known_and_it_is_data(set_up: Repo, server: Script) -> None:
    printed = "".join(f"line {n} of the output\n" for n in range(200)) + "ValueError: no\n"
    server.say(plan(change("One", "src/app.py"), change("Greet", "hello.txt")), whole(APP), Say("half", gone=0))
    draft = set_up.tiny("fix", "--error", "-", "--json", input=printed, check=False).json
    for place in (set_up.git_dir() / "tiny/failures").iterdir():
        place.unlink()
    server.say(whole("hello again\n", ""))
    done = set_up.tiny("propose", "--continue", draft["id"], "--json")
    assert "only the end of what the failing program printed is known here" in done.err
    asked = server.questions()[-1]
    assert "The end of what the failing program printed:\n~~~" in asked and "ValueError: no" in asked
    assert "line 3 of the output" not in asked


def test_what_is_kept_is_bounded_and_held_against_its_name(tmp_path: Path) -> None:
    folder = tmp_path / "failures"
    digests = []
    for n in range(KEPT + 3):
        digests.append(keep(folder, f"failure {n}"))
        tick()
    assert len(list(folder.iterdir())) == KEPT
    assert kept(folder, digests[-1]) == f"failure {KEPT + 2}"
    (folder / digests[-1]).write_text("something else")
    assert kept(folder, digests[-1]) is None
    assert kept(folder, "../../config") is None
    assert keep(tmp_path / "failures" / digests[-2], "x") == sha256(b"x").hexdigest(), "where no folder can be"


def test_each_round_reads_its_own_failure_in_a_throwaway_tree(set_up: Repo, server: Script) -> None:
    check = f"grep -q 'return 3' src/app.py || {{ echo $PWD; cat src/app.py; echo 'E {TOKEN}: not yet'; exit 1; }}"
    for n in (1, 2, 3):
        server.say(plan(change(f"Return {n}", "src/app.py")), whole(APP.replace("1", str(n))))
    done = set_up.tiny("fix", "--check", check, "--rounds", "3", "--json").json
    assert done["state"] == "open" and len(done["steps"]) == 3
    plans = [text for text in server.questions() if "Places it names" in text or "What the failing program" in text]
    assert "return 0" in plans[0] and "return 1" in plans[2] and "return 2" in plans[4]
    assert all(TOKEN not in text for text in server.questions())
    assert all(f"{set_up.path}\n" not in text for text in plans), "it ran elsewhere"
    assert (set_up.path / "src/app.py").read_text() == APP.replace("1", "0")
