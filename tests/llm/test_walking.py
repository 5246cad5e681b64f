"""The whole way: a model is chosen, a sentence becomes a plan, the plan is applied."""

from __future__ import annotations

from tests.llm.answers import change, create, plan, whole
from tests.llm.server import Script
from tests.repos import Repo

APP = "def main() -> int:\n    return 1\n"


def test_from_a_model_that_is_chosen_to_a_plan_that_is_applied(repo: Repo, server: Script) -> None:
    host = {"OLLAMA_HOST": server.url}
    listed = repo.tiny("model", "list", "--json", env=host).json
    assert [row["name"] for row in listed["models"]] == ["ollama:coder:7b"]
    repo.tiny("model", "use", "coder:7b", env=host)
    assert repo.git("config", "--global", "tiny.model").text == "ollama:coder:7b"
    assert "32768" in repo.tiny("model", "show", env=host).out

    server.say(
        plan(change("Return one", "src/app.py"), create("Add notes", "NOTES.md")),
        whole(APP),
        whole("# Notes\n", "markdown"),
    )
    made = repo.tiny("propose", "let main answer one and write it down", "--json", env=host).json
    assert made["state"] == "open"
    assert [step["paths"] for step in made["steps"]] == [["src/app.py"], ["NOTES.md"]]
    assert made["planner"] == "model"
    assert "Assisted-by: coder:7b@a1b2c3d4e5f6" in repo.git("log", "-1", "--format=%B", made["tip"]).out

    repo.tiny("apply", made["id"], "--yes", "--expect", made["tip"])
    assert repo.show("main", "src/app.py").decode() == APP
    assert repo.show("main", "NOTES.md") == b"# Notes\n"


def test_every_call_is_in_the_audit_without_its_text(set_up: Repo, server: Script) -> None:
    server.say(plan(change("Return one", "src/app.py")), whole(APP))
    set_up.tiny("propose", "let main answer one")
    rows = set_up.tiny("audit", "query", "SELECT action, details FROM entries", "--json", check=False)
    text = (set_up.git_dir() / "tiny/journal").read_text()
    assert text.count('"action":"model"') == 2, rows
    for word in ("let main answer one", "def main"):
        assert text.count(word) == 0
    calls = set_up.tiny("audit", "query", "SELECT model, digest, prompt, prompt_hash FROM models", "--json").json[
        "rows"
    ]
    assert len({key for *_, key in calls}) == 2, "each question has a hash of its own"
    assert all(model and digest and prompt and len(key) == 64 for model, digest, prompt, key in calls), calls


def test_without_a_model_two_lines_say_so(repo: Repo) -> None:
    done = repo.tiny("propose", "make everything better", check=False)
    assert done.code == 4
    assert len(done.err.strip().splitlines()) == 2
    assert "git tiny model use" in done.err
