"""Servers that speak OpenAI's protocol: a scripted one, and llama.cpp's own with a model of random weights."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.llm.answers import change, plan, whole
from tests.llm.inside import refused
from tests.llm.server import Say, Script, serving
from tests.llm.tiny_gguf import write_model
from tests.repos import Repo
from tinycode_git.dialogue import Message, Parameters, Question
from tinycode_git.errors import Incomplete
from tinycode_git.llm.hosts import parse
from tinycode_git.llm.openai import OpenAI, offered
from tinycode_git.planners.model_plan import ids_of, schema_of

# The sealed world of a test hides it.
REAL = os.environ.get("TINY_TEST_OLLAMA", "")
IDS = ids_of(["a.py", "b.py"])


def question(text: str = "hello", *, form: bool = False, most: int = 900) -> Question:
    messages = (Message("system", "be brief"), Message("user", text))
    return Question(messages, Parameters(4096, most, 0.0, 3), schema_of(IDS, 1) if form else None)


def backend(server: Script, name: str = "coder:7b", key: str = "", wait: float = 60.0) -> OpenAI:
    return OpenAI(parse(server.url + "/v1", 1), name, key, wait)


def test_the_form_goes_along_as_a_schema(server: Script) -> None:
    server.say("<think>hm</think>{}")
    pieces: list[str] = []
    answer = backend(server).chat(question(form=True), pieces.append)
    (body,) = server.chats()
    assert body["response_format"]["json_schema"]["schema"] == schema_of(IDS, 1)
    assert (body["max_tokens"], body["temperature"], body["seed"], body["stream"]) == (900, 0.0, 3, True)
    assert (answer.text, answer.remark, answer.cut) == ("{}", "thinking was taken off", False)
    assert "".join(pieces) == "<think>hm</think>{}"
    assert answer.read > 0


def test_a_sentence_becomes_a_plan(repo: Repo, server: Script) -> None:
    repo.git("config", "--global", "tiny.modelHost", server.url)
    server.say(plan(change("One", "src/app.py")), whole("def main() -> int:\n    return 1\n"))
    made = repo.tiny("propose", "let main answer one", "--model", "openai:coder:7b", "--json").json
    assert made["state"] == "open"


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (Say("half an answer of some length", gone=1), "went away in the middle"),
        (Say(status=400, error="context is exceeded"), "context is exceeded"),
        (Say(raw=None, text="fine", read=5000), "left the rest out"),
    ],
)
def test_a_server_that_fails_is_no_answer(server: Script, said: Say, why: str) -> None:
    server.say(said)
    with pytest.raises(Incomplete, match=why):
        backend(server).chat(question())


def test_a_silent_server_is_given_up(server: Script) -> None:
    server.say(Say("late", wait=2.0))
    with pytest.raises(Incomplete, match="has not answered for 0 s"):
        backend(server, wait=0.2).chat(question())


def test_no_redirect_and_no_proxy(server: Script) -> None:
    with serving() as other:
        for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
            os.environ[name] = other.url
        try:
            server.say("fine")
            assert backend(server).chat(question()).text == "fine"
        finally:
            for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
                del os.environ[name]
        server.redirect = other.url
        for asking in (backend(server).card, lambda: backend(server).chat(question())):
            with pytest.raises(Incomplete, match="points elsewhere"):
                asking()
        assert other.asked == []


def test_the_key_goes_along_and_is_never_said(repo: Repo, server: Script) -> None:
    repo.git("config", "--global", "tiny.modelHost", server.url)
    done = repo.tiny("model", "list", "--json", env={"TINY_MODEL_KEY": "sesame-key"})
    assert done.code == 0 and "sesame" not in done.out + done.err
    server.say(Say(status=401, error="no"))
    repo.tiny("ask", "why?", "--model", "openai:coder:7b", env={"TINY_MODEL_KEY": "sesame-key"}, check=False)
    assert {one for one in server.keys if one} == {"Bearer sesame-key"}
    assert "sesame" not in (repo.git_dir() / "tiny/journal").read_text()


def test_an_answer_that_was_cut(server: Script) -> None:
    server.say(Say("half", reason="length"))
    assert backend(server).chat(question()).cut


def test_unknown_models_and_other_servers(server: Script) -> None:
    with pytest.raises(Incomplete, match="has no model other; there are: coder:7b"):
        backend(server, "other").card()
    with pytest.raises(Incomplete):
        offered(parse("127.0.0.1:9", 1))


def test_no_host_is_guessed(repo: Repo) -> None:
    guessed = refused(repo.path, "ask", "why?", "--model", "openai:x")
    assert guessed.exit == 4
    assert "no server is named" in guessed.message
    repo.git("config", "--global", "tiny.modelHost", "https://api.example.com")
    away = refused(repo.path, "ask", "why?", "--model", "openai:x")
    assert away.exit == 1
    assert "is not on this machine" in away.message and "tiny.allowRemote" in away.hint


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenAI]:
    """llama.cpp's own server, with a key, on a model of random weights."""
    import xllamacpp

    given = xllamacpp.CommonParams()
    given.model.path = str(write_model(tmp_path_factory.mktemp("model") / "tiny.gguf"))
    given.n_ctx, given.n_parallel, given.verbosity, given.warmup = 4096, 1, -1, False
    given.api_keys = ["secret"]
    given.cpuparams.n_threads = given.cpuparams_batch.n_threads = 1
    server = xllamacpp.Server(given)
    name = next(name for name in offered_with(server.listening_address, "secret"))
    yield OpenAI(parse(server.listening_address, 80), name, "secret")
    del server


def offered_with(url: str, key: str) -> list[str]:
    from tinycode_git.llm import wire

    found = wire.call(parse(url, 80), "GET", "/v1/models", headers={"Authorization": f"Bearer {key}"}, timeout=20)
    return [str(row["id"]) for row in found["data"]]


def test_llama_server_keeps_the_form_whatever_the_model_would_say(llama: OpenAI) -> None:
    forced = llama.chat(question("plan", form=True))
    rows = json.loads(forced.text)["steps"] if not forced.cut else []
    assert all(set(row["change"]) <= set(IDS) for row in rows)
    assert forced.text.lstrip().startswith("{")
    assert not llama.chat(question("plan", most=60)).text.lstrip().startswith('{"steps"')


def test_llama_server_counts_and_knows_its_context(llama: OpenAI) -> None:
    assert llama.count("abc") == 3 + 3
    assert llama.card().context == 4096
    assert llama.parallel() == 1
    assert Path(llama.card().name)


def test_llama_server_wants_its_key(llama: OpenAI) -> None:
    with pytest.raises(Incomplete, match=r"[Ii]nvalid [Aa][Pp][Ii] [Kk]ey"):
        OpenAI(llama.host, llama.model, "wrong").chat(question())


def test_a_model_that_was_not_made_for_filling_in_says_so(llama: OpenAI) -> None:
    assert llama.fill("def f():\n", "\n", question()) is None


@pytest.mark.skipif(not REAL, reason="needs a real Ollama: TINY_TEST_OLLAMA=1, or its host")
def test_a_real_ollama_makes_a_plan(repo: Repo) -> None:
    """With the first model that it has."""
    env = {"OLLAMA_HOST": REAL if REAL != "1" else "127.0.0.1:11434"}
    models = repo.tiny("model", "list", "--json", env=env).json["models"]
    model = next(row["name"] for row in models if row["name"].startswith("ollama:"))
    made = repo.tiny("propose", "add a file NOTES.md that says hello", "--model", model, "--json", env=env, timeout=900)
    assert made.json["state"] == "open"
    answered = repo.tiny("ask", "what does main return?", "--model", model, "--json", env=env, check=False, timeout=900)
    assert answered.code in (0, 1)
    assert answered.json["answer"]
