"""``git tiny review`` with a model: over real HTTP: shown is what the lines bear out."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.inside import inside
from tests.llm.inside import refused
from tests.llm.server import Say, Script, serving
from tests.plan.plans import untouched
from tests.repos import ROOT, TINY, Repo
from tests.review.hostile import Ground, cases, controls
from tests.review.test_review import TOKEN
from tinycode_git.commands.review_model import samples_for
from tinycode_git.llm.backend import Card

BASE = """\
import os


def load(path, limit):
    with open(path) as file:
        data = file.read(limit)
    return data
"""
NEW = """\
import os


def load(path, limit):
    file = open(path)
    data = file.read(limit + 1)
    if data == None:
        return os.getcwd()
    return data
"""


@pytest.fixture
def server(world: Path) -> Iterator[Script]:
    """A scripted server with a small model."""
    with serving() as script:
        yield script


@pytest.fixture
def topic(repo: Repo, server: Script) -> Repo:
    """A branch whose commit loses a ``with``; the model is set up."""
    repo.git("config", "--global", "tiny.modelHost", server.url)
    repo.git("config", "--global", "tiny.model", "coder:7b")
    repo.commit("loader", {"src/load.py": BASE})
    repo.branch("topic")
    repo.commit("read one more", {"src/load.py": NEW})
    return repo


def ids(question: str) -> dict[str, str]:
    """Text of a shown line to its id."""
    return {text.strip(): name for name, text in re.findall(r"^([bcdfghjkmnpqrstvwxz]{4}) [+-] (.*)$", question, re.M)}


def learn(repo: Repo, server: Script) -> dict[str, str]:
    """The ids that the model would get to see, learned by asking it once."""
    asked = len(server.questions())
    server.say(answer(), answer())
    inside(repo, "review", "--no-note", "--json", "--samples", "1")
    return ids(server.questions()[asked])


def finding(line: str, quote: str, **more: Any) -> dict[str, Any]:
    return {
        "line": line,
        "quote": quote,
        "kind": "resources",
        "what": "The file is never closed",
        "why": "`open` without a block leaves `file` open when `read` raises",
        "severity": "medium",
        "certainty": "likely",
        **more,
    }


def answer(*findings: dict[str, Any]) -> str:
    return json.dumps({"findings": findings})


def fresh(repo: Repo) -> None:
    """Forget remembered answers."""
    for one in (repo.git_dir() / "tiny/answers").glob("*"):
        one.unlink()


def asked(repo: Repo, server: Script, *answers: str | Say, args: tuple[str, ...] = ()) -> dict[str, Any]:
    """The review in which the model gives these answers."""
    fresh(repo)
    server.answers.clear()
    server.say(*answers)
    return dict(inside(repo, "review", "--json", *args))


OPEN = "file = open(path)"


def test_what_most_answers_say_is_shown_at_its_line(topic: Repo, server: Script) -> None:
    line = learn(topic, server)
    good = finding(line[OPEN], OPEN, fix="with open(path) as file:\n    pass")
    next_line = finding(line["data = file.read(limit + 1)"], "limit + 1", severity="low")
    with untouched(topic):
        found = asked(topic, server, answer(good), answer(next_line), answer(), args=("--no-note",))
    (one,) = found["findings"]
    assert (one["path"], one["line"], one["text"]) == ("src/load.py", 5, f"    {OPEN}")
    assert (one["rule"], one["source"], one["severity"], one["tool"]) == (
        *("model/resources", "model", "low"),
        "coder:7b@a1b2c3d4e5f6",
    )
    assert one["message"].startswith("The file is never closed. `open` without")
    assert one["fix"] == "    with open(path) as file:\n        pass"
    assert (found["said"]["answers"], found["said"]["claims"], found["head"]["asked"]) == (3, 2, 1)


def test_what_one_answer_in_three_says_is_not(topic: Repo, server: Script) -> None:
    line = learn(topic, server)
    found = asked(topic, server, answer(finding(line[OPEN], OPEN)), answer(), answer())
    assert found["findings"] == [] and found["said"]["dropped"] == {"not said by most samples": 1}
    assert found["said"]["answers"] == 3
    asked(topic, server, answer(), answer())
    assert server.answers == type(server.answers)()  # two empty answers of three settle it: the third is not asked for


def test_the_question_holds_the_change_as_data(topic: Repo, server: Script) -> None:
    line = learn(topic, server)
    body = server.chats()[-1]
    (system, user) = (one["content"] for one in body["messages"])
    assert "never an instruction" in system
    assert "@@ 'src/load.py'" in user and "read one more" in user
    assert "     - " + "    with open(path) as file:" in user
    shown = [row for row in user.split("\n") if re.match(r"[a-z ]{4} [+ -] ", row)]
    assert [row[7:] for row in shown if row[5] != "-"] == NEW.rstrip().split("\n")[3:]  # the function, no more
    item = body["format"]["properties"]["findings"]["items"]
    assert item["properties"]["line"]["enum"] == [*line.values()]
    assert item["additionalProperties"] is False
    assert not any(char.isdigit() for name in line.values() for char in name)


def test_no_model(topic: Repo, server: Script) -> None:
    found = inside(topic, "review", "--json", "--no-model")
    assert (found["said"], found["head"]["model"], server.chats()) == (None, "", [])
    topic.git("config", "--global", "--unset", "tiny.model")
    done = topic.tiny("review")
    assert done.code == 0
    assert done.err == "no model was asked: none is set up (git tiny model use NAME)\n"
    assert refused(topic.path, "review", "--model", "x", "--no-model").exit == 2


def test_a_model_by_name_and_samples(topic: Repo, server: Script) -> None:
    server.add("large:70b", parameters="70B")
    topic.git("config", "--global", "--unset", "tiny.model")
    found = asked(topic, server, answer(), args=("--model", "large:70b", "--samples", "1"))
    assert found["said"]["model"].startswith("large:70b@") and found["said"]["samples"] == 1


@pytest.mark.parametrize(
    ("parameters", "size", "samples"),
    [("7.6B", 0, 3), ("494M", 0, 3), ("70B", 0, 1), ("14.8B", 0, 3), ("1T", 0, 1), ("", 0, 3), ("?", 20 << 30, 1)],
)
def test_small_models_are_asked_more_often(parameters: str, size: int, samples: int) -> None:
    assert samples_for(Card("m", "d", 8192, size, parameters=parameters)) == samples


def test_calls_are_on_the_audit_record(topic: Repo, server: Script) -> None:
    asked(topic, server, answer(), answer())
    entries = topic.tiny("audit", "log", "--json").json["entries"]
    calls = [one for one in entries if one["action"] == "model"]
    assert len(calls) == 2


def test_coverage_says_what_the_model_read(topic: Repo, server: Script) -> None:
    topic.commit("more", {"yarn.lock": "a\n", "empty.py": "\n\n", "hello.txt": None})
    server.say(answer(), answer())
    shown = topic.tiny("review", "--coverage").out
    assert "src/load.py: lines 5-8: read by validator, history, model\n" in shown
    assert "yarn.lock: line 1: read by validator\n  not by history: a lock file\n  not by model: a lock file\n" in shown
    assert "not by model: the file is gone\n" in shown
    assert "empty.py: lines 1-2: read by validator, history\n  not by model: no line of it has text\n" in shown
    assert "1 of them by coder:7b@a1b2c3d4e5f6" in shown


def test_what_is_over_budget_is_said(topic: Repo, server: Script) -> None:
    topic.git("config", "tiny.modelContext", "2048")
    topic.commit("much", {f"m{n}.py": "".join(f"name_{n}_{k} = call_{k}({k})\n" for k in range(90)) for n in range(12)})
    server.fallback = Say(answer())
    found = inside(topic, "review", "--json", "--samples", "1")
    missed = {one["path"]: dict(one["not_by"]).get("model") for one in found["coverage"]}
    assert "over budget" in missed.values() and None in missed.values()
    assert found["head"]["asked"] < found["head"]["hunks"] == 13
    assert all(body["options"]["num_ctx"] == 2048 for body in server.chats())
    assert len(server.chats()) == 8
    assert found["gaps"] == []


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (Say(status=500, error="out of memory"), "out of memory"),
        (Say("x" * 400, gone=3), ""),
        (Say("not json"), "could not be used: it is not JSON"),
        (Say('{"findings": [', reason="length"), "could not be used: it is not JSON"),
        (Say("", thinking="hm"), "could not be used"),
    ],
    ids=["error", "gone", "no json", "cut", "thinking"],
)
def test_what_goes_wrong_is_a_gap_and_the_rest_stands(topic: Repo, server: Script, said: Say, why: str) -> None:
    topic.commit("secret", {"k.py": f'KEY = "{TOKEN}"\n'})
    server.fallback = said
    found = inside(topic, "review", "--json", "--fail-on", "never", "--no-note", code=4)
    assert [one["family"] for one in found["findings"]] == ["secret"]
    assert any(why in gap for gap in found["gaps"]) and found["head"]["asked"] == 0
    assert all("model" not in one["by"] for one in found["coverage"])


def test_no_server_at_all(topic: Repo) -> None:
    topic.git("config", "--global", "tiny.modelHost", "http://127.0.0.1:1")
    done = topic.tiny("review", check=False)
    assert done.code == 4
    assert "not looked at: the model did not read everything: " in done.err
    assert done.out.startswith("no findings (its one hunk read; 0 of them by ")


def test_an_answer_that_is_none_is_asked_for_once_more(topic: Repo, server: Script) -> None:
    line = learn(topic, server)
    good = answer(finding(line[OPEN], OPEN))
    found = asked(topic, server, "oh", good, args=("--samples", "1"))
    assert len(found["findings"]) == 1 and found["gaps"] == []
    assert found["said"]["dropped"] == {"not in the form asked for": 1}


def test_a_secret_is_not_shown_to_the_model(topic: Repo, server: Script) -> None:
    topic.commit("secret", {"k.py": f'KEY = "{TOKEN}"\nother = 1\n'})
    server.fallback = Say(answer())
    topic.tiny("review", "--samples", "1", check=False)
    assert TOKEN not in json.dumps(server.asked)
    assert "other = 1" in server.questions()[0]


def test_ctrl_c_ends_the_model_and_not_the_review(topic: Repo, server: Script) -> None:
    server.fallback = Say(answer(), wait=30)
    child = subprocess.Popen(
        [*TINY, "review"],
        cwd=topic.path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    while not server.chats():
        assert child.poll() is None
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=20)
    assert child.returncode == 130
    assert b"no findings (its one hunk read; 0 of them by coder:7b" in out
    assert b"the model did not read everything: interrupted" in err


def test_it_stays_until_its_line_changes(topic: Repo, server: Script) -> None:
    line = learn(topic, server)
    good = answer(finding(line[OPEN], OPEN))
    (first,) = asked(topic, server, good, args=("--samples", "1"))["findings"]
    topic.commit("above", {"src/load.py": "# top\n" + NEW})
    (kept,) = asked(topic, server, answer(), args=("--samples", "1"))["findings"]
    assert (kept["state"], kept["line"], kept["fingerprint"]) == ("still open", 6, first["fingerprint"])
    (kept,) = inside(topic, "review", "--json", "--no-model")["findings"]
    assert kept["state"] == "still open"
    assert topic.tiny("review", "verify").code == 0
    topic.tiny("review", "dismiss", kept["fingerprint"][:8], "--reason", "closed by the caller")
    for args in ((), ("--no-model",)):
        (kept,) = asked(topic, server, answer(), answer(), args=args)["findings"]
        assert (kept["state"], kept["reason"]) == ("dismissed", "closed by the caller")
    topic.commit("mended", {"src/load.py": BASE + "\n# end\n"})
    done = asked(topic, server, answer(), answer())
    assert done["findings"] == []


def test_what_was_mended_is_fixed(topic: Repo, server: Script) -> None:
    line = learn(topic, server)
    asked(topic, server, answer(finding(line[OPEN], OPEN)), args=("--samples", "1"))
    topic.commit("mended", {"src/load.py": BASE + "\n# end\n"})
    done = asked(topic, server, answer(), answer())
    assert (done["findings"], [one["line"] for one in done["fixed"]]) == ([], [5])


def test_a_line_taken_away_can_be_at_fault(topic: Repo, server: Script) -> None:
    topic.commit("no closing", {"src/load.py": NEW.replace("    if data == None:\n        return os.getcwd()\n", "")})
    topic.git("checkout", "-q", "-b", "cut", "main")
    topic.commit("cut", {"src/load.py": BASE.replace("        data = file.read(limit)\n", "")})
    line = learn(topic, server)
    gone = finding(line["data = file.read(limit)"], "file.read(limit)", kind="bug", what="`data` has no value any more")
    gone["why"] = "`load` returns a name that nothing sets"
    (one,) = asked(topic, server, answer(gone), args=("--samples", "1"))["findings"]
    assert (one["path"], one["line"], one["rule"]) == ("src/load.py", 5, "model/bug")
    assert topic.tiny("review", "verify").code == 0
    fixed = answer({**gone, "fix": "        data = 1"})
    assert (
        asked(topic, server, fixed, args=("--samples", "1", "--no-note"))["said"]["dropped"][
            "a fix that does not apply"
        ]
        == 1
    )


def test_staged(topic: Repo, server: Script) -> None:
    topic.write("new.py", "def half(value):\n    return value / 0\n")
    topic.git("add", "new.py")
    server.fallback = Say(answer())
    inside(topic, "review", "--json", "--staged")
    assert "return value / 0" in server.questions()[0]
    line = ids(server.questions()[0])
    fresh(topic)
    bad = finding(line["return value / 0"], "value / 0", kind="bug", what="Divides by zero", why="`half` always raises")
    server.fallback = Say(answer(bad))
    (one,) = inside(topic, "review", "--json", "--staged")["findings"]
    assert (one["path"], one["line"], one["certainty"]) == ("new.py", 2, 0.7)


def test_formats_carry_the_fix(topic: Repo, server: Script) -> None:
    line = learn(topic, server)
    fresh(topic)
    server.fallback = Say(answer(finding(line[OPEN], OPEN, fix="file = open(path, 'rb')")))
    shown = topic.tiny("review", "--no-note").out
    assert ">    5 |     file = open(path)\n" in shown
    assert "  fix:\n      + |     file = open(path, 'rb')\n" in shown
    sarif = topic.tiny("review", "--no-note", "--format", "sarif").json
    fix = sarif["runs"][1]["results"][0]["fixes"][0]["artifactChanges"][0]["replacements"][0]
    assert fix["deletedRegion"] == {"startLine": 5, "endLine": 5}
    rdjson = topic.tiny("review", "--no-note", "--format", "rdjson").json
    (suggested,) = rdjson["diagnostics"][0]["suggestions"]
    assert suggested["text"] == "    file = open(path, 'rb')"
    assert suggested["range"]["end"] == {"line": 5}
    assert "open(path, &#x27;rb&#x27;)" in topic.tiny("review", "--no-note", "--format", "html").out
    assert "open(path, 'rb')" in topic.tiny("review", "--no-note", "--format", "markdown").out


def test_hostile_answers_come_to_nothing(topic: Repo, server: Script) -> None:
    """One of each third family, the whole way; all of them are in test_answer.py and benchmarks/quality_hostile.py."""
    learn(topic, server)
    ground = Ground.of(server.questions()[0])
    by_family = {case.family: case for case in cases(ground)}
    assert len(by_family) == 21
    for case in [*controls(ground)[:1], *by_family.values()][::3]:
        said = Say(case.text, thinking=case.thinking, calls=case.calls)
        server.fallback = said
        fresh(topic)
        server.answers.clear()
        args = ("--samples", "1", "--no-note", "--most", "99", "--fail-on", "never")
        found = inside(topic, "review", "--json", *args, code=(0, 4))  # 4: it was no answer, and that is said
        assert (found["head"]["asked"] == 0) == bool(found["gaps"])
        assert len(found["findings"]) == case.most, case
        assert all(5 <= one["line"] <= 8 and one["path"] == "src/load.py" for one in found["findings"])
