"""Ollama's traps, each against a server that springs it over real HTTP."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest

from tests.llm.server import DIGEST, Say, Script
from tests.llm.test_commands import wait_for
from tinycode_git.config import Scope, Settings, Value
from tinycode_git.dialogue import Message, Parameters, Question
from tinycode_git.errors import Incomplete, Refused, TinyError
from tinycode_git.ledger import Operation
from tinycode_git.llm.choose import host_of, named, open_model, read_name
from tinycode_git.llm.hosts import check_host, is_loopback, parse
from tinycode_git.llm.ollama import Ollama
from tinycode_git.llm.ollamalist import installed
from tinycode_git.llm.session import Session
from tinycode_git.llm.wire import Gone

SCHEMA = {"type": "object", "properties": {"steps": {"type": "array"}}}
PARTS = {"outline": "", "pieces": "", "commits": "", "question": "what is it?"}


def settings(*values: tuple[str, str], scope: Scope = Scope.GLOBAL) -> Settings:
    found: dict[str, tuple[Value, ...]] = {}
    for key, text in values:
        found[key.lower()] = (*found.get(key.lower(), ()), Value(scope, text))
    return Settings(found)


_OPEN: list[Ollama] = []


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    """Whatever a test opened is closed after it."""
    yield
    while _OPEN:
        _OPEN.pop().close()


def backend(server: Script, model: str = "coder:7b", **more: Any) -> Ollama:
    _OPEN.append(Ollama(parse(server.url, 1), model, **more))
    return _OPEN[-1]


def question(text: str = "hello there", *, form: bool = False, most: int = 100, context: int = 4096) -> Question:
    messages = (Message("system", "be brief"), Message("user", text))
    return Question(messages, Parameters(context, most, 0.0, 7), SCHEMA if form else None)


def test_the_context_is_always_set_and_so_is_how_long_the_model_stays(server: Script) -> None:
    server.say("hello")
    answer = backend(server, keep_alive="3m").chat(question())
    (body,) = server.chats()
    assert answer.text == "hello"
    assert body["options"] == {"num_ctx": 4096, "num_predict": 100, "temperature": 0.0, "seed": 7}
    assert body["keep_alive"] == "3m"
    assert [one["role"] for one in body["messages"]] == ["system", "user"]


@pytest.mark.parametrize(
    ("wanted", "offered", "used"),
    [(0, 32768, 8192), (0, 2048, 2048), (5000, 32768, 8192), (2000, 32768, 2048), (16384, 32768, 16384), (0, 0, 8192)],
)
def test_contexts_have_few_sizes_so_that_the_model_is_not_loaded_anew(
    server: Script, wanted: int, offered: int, used: int
) -> None:
    server.add("m", context=offered)
    session = Session.begin(backend(server, "m"), lambda _: None, context=wanted)
    server.say("one", "two")
    session.ask("ask", PARTS, most=50)
    session.ask("ask", {**PARTS, "question": "longer " * 100}, most=80)
    assert {body["options"]["num_ctx"] for body in server.chats()} == {used}


@pytest.mark.parametrize("read", [12, 300, 4096, 5000])
def test_a_question_that_was_cut_without_a_word_is_an_error(server: Script, read: int) -> None:
    server.say(Say("fine", read=read))
    with pytest.raises(Incomplete, match=f"read {read} tokens of the question and left the rest out"):
        backend(server).chat(question("some words of a question " * 300))


def test_a_server_that_counts_nothing_is_believed(server: Script) -> None:
    """What comes from its cache, older servers do not count."""
    server.say(Say("fine", read=0))
    assert backend(server).chat(question("word " * 300)).text == "fine"


def test_an_answer_that_ran_into_the_limit_says_so(server: Script) -> None:
    server.say(Say("half an ans", reason="length"))
    assert backend(server).chat(question()).cut


@pytest.mark.parametrize(
    ("version", "form", "abilities", "sent"),
    [
        ("0.12.3", True, ["completion", "thinking"], "absent"),
        ("0.12.3", False, ["completion", "thinking"], False),
        ("0.12.3", False, ["completion"], "absent"),
        ("0.8.0", False, ["completion", "thinking"], "absent"),
    ],
)
def test_thinking_is_never_switched_off_together_with_a_form(
    server: Script, version: str, form: bool, abilities: list[str], sent: object
) -> None:
    """``think: false`` switches ``format`` off without a word."""
    server.version = version
    server.add("m", capabilities=abilities)
    server.say('{"steps": []}')
    backend(server, "m").chat(question(form=form))
    (body,) = server.chats()
    assert body.get("think", "absent") == sent
    assert ("format" in body and body["format"] == SCHEMA) is form


@pytest.mark.parametrize(
    ("said", "text", "remark"),
    [
        (Say("answer", thinking="hm"), "answer", "thinking was taken off"),
        (Say("<think>hm\nhm</think>\n\nanswer"), "answer", "thinking was taken off"),
        (Say("hm, so</think>answer"), "answer", "thinking was taken off"),
        (Say("<think>for ever"), "", "it was still thinking when it ended"),
        (
            Say("<|channel|>analysis<|message|>hm<|end|><|channel|>final<|message|>answer"),
            "answer",
            "thinking was taken off",
        ),
        (Say("answer<|im_end|>"), "answer", ""),
        (Say("a <think> in the middle"), "a <think> in the middle", ""),
    ],
)
def test_what_is_thought_aloud_is_taken_off(server: Script, said: Say, text: str, remark: str) -> None:
    server.say(said)
    answer = backend(server).chat(question())
    assert (answer.text, answer.remark) == (text, remark)


def test_a_tool_call_that_nobody_offered_comes_as_text(server: Script) -> None:
    server.say(Say(calls=({"name": "edit_file", "arguments": {"path": "a"}},)))
    answer = backend(server).chat(question())
    assert answer.text == '{"name": "edit_file", "arguments": {"path": "a"}}'
    assert answer.remark == "it called a tool"


def test_a_model_without_a_template_for_turns_is_told_everything_in_one(server: Script) -> None:
    server.add("base", template="{{ .Prompt }}")
    server.say("fine")
    backend(server, "base").chat(question("hello"))
    assert server.chats()[0]["messages"] == [{"role": "user", "content": "be brief\n\nhello"}]


def test_a_model_for_embeddings_cannot_answer(server: Script) -> None:
    server.add("embed", capabilities=["embedding"])
    with pytest.raises(Refused, match="embed cannot answer: it is a model for embeddings"):
        backend(server, "embed").chat(question())


def test_a_server_that_names_no_abilities_is_asked_all_the_same(server: Script) -> None:
    server.add("m", capabilities=None)
    server.say("fine")
    assert backend(server, "m").chat(question()).text == "fine"


def test_a_server_that_is_too_old_for_forms_is_said(server: Script) -> None:
    server.version = "0.4.7"
    with pytest.raises(Incomplete, match=r"Ollama 0\.4\.7 cannot force an answer into a form") as caught:
        backend(server).chat(question(form=True))
    assert "0.5 or newer" in caught.value.hint


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (Say("a long answer that ends", gone=1), "went away in the middle"),
        (Say(raw=b'{"model": "x", "message": {"role": "assistant", "content": "half"}, "done": false}\n'), "went away"),
        (Say(raw=b"<html>no</html>\n"), "something that is no answer"),
        (Say(raw=b""), "went away in the middle"),
        (Say(status=500, error="llama runner process has terminated: exit status 2"), "runner process has terminated"),
        (Say("begun", middle_error="an error was encountered while running the model"), "could not answer: an error"),
        (Say(status=404, error="model 'coder:7b' not found"), "Ollama has no model coder:7b"),
        (Say(status=400, error='"coder:7b" does not support chat'), "does not support chat"),
    ],
)
def test_a_server_that_fails_is_no_answer(server: Script, said: Say, why: str) -> None:
    server.say(said)
    with pytest.raises(Incomplete, match=why):
        backend(server).chat(question())


def test_a_server_that_stays_silent_is_given_up(server: Script) -> None:
    server.say(Say("late", wait=3.0))
    with pytest.raises(Gone, match="has said nothing for 0 s") as caught:
        backend(server, wait=0.2).chat(question())
    assert "tiny.modelWait" in caught.value.hint


@pytest.mark.parametrize("said", [b"[]", b"null", b"<html>"])
def test_what_is_no_ollama_is_said(server: Script, said: bytes) -> None:
    server.all = said
    one = backend(server)
    for asked in (one.card, lambda: installed(one.host)):
        with pytest.raises(Gone, match=f"what answers at {server.url} is not"):
            asked()


def test_out_of_memory_says_what_would_fit(server: Script) -> None:
    server.add("small:1b", size=1_000_000)
    server.add("huge:70b", size=10**14)
    server.say(Say(status=500, error="model requires more system memory (44.1 GiB) than is available (3.2 GiB)"))
    with pytest.raises(Incomplete, match=r"huge:70b does not fit into memory: .*44\.1 GiB") as caught:
        backend(server, "huge:70b").chat(question())
    assert "what would fit: coder:7b, small:1b" in caught.value.hint


def test_no_server_says_what_works_without(world: object) -> None:
    with pytest.raises(Incomplete, match=r"no Ollama answers at http://127\.0\.0\.1:9") as caught:
        Ollama(parse("127.0.0.1:9", 1), "m").card()
    assert "recipes, --patch, --reply and --agent work without" in caught.value.hint


def test_an_unknown_model_names_those_there_are(server: Script) -> None:
    with pytest.raises(Incomplete, match="Ollama has no model other; there are: coder:7b") as caught:
        backend(server, "other").card()
    assert caught.value.hint == "git tiny model pull other"


def test_a_redirect_is_not_followed(server: Script) -> None:
    from tests.llm.server import serving

    with serving() as other:
        server.redirect = other.url
        with pytest.raises(TinyError):
            backend(server).card()
        with pytest.raises(TinyError):
            backend(server).chat(question())
        assert other.asked == []


def test_a_proxy_of_the_environment_sees_nothing(server: Script) -> None:
    from tests.llm.server import serving

    with serving() as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            os.environ[name] = proxy.url
        try:
            server.say("fine")
            assert backend(server).chat(question()).text == "fine"
        finally:
            for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
                del os.environ[name]
        assert proxy.asked == []


@pytest.mark.parametrize(
    ("text", "here"),
    [
        ("127.0.0.1:11434", True),
        ("localhost", True),
        ("http://[::1]:1", True),
        ("0.0.0.0:11434", True),
        ("127.1.2.3", True),
        ("http://gpu.lan:11434", False),
        ("https://api.example.com/v1", False),
        ("127.0.0.1.example.com", False),
        ("localhost.example.com", False),
        ("10.0.0.5", False),
    ],
)
def test_only_this_machine_is_asked(text: str, here: bool) -> None:
    host = parse(text, 11434)
    assert is_loopback(host.name) is here
    if here:
        check_host(host, Settings())
        return
    with pytest.raises(Refused, match="is not on this machine"):
        check_host(host, Settings())
    with pytest.raises(Refused, match="is not on this machine"):
        check_host(host, settings(("tiny.allowRemote", host.netloc), scope=Scope.LOCAL))
    check_host(host, settings(("tiny.allowRemote", host.netloc)))


def test_cloud_models_are_refused_unless_the_user_names_them(server: Script) -> None:
    server.add("big:cloud")
    server.add("aliased", remote_host="https://ollama.com:443")
    at = ("tiny.modelHost", server.url)
    for name in ("big:cloud", "aliased"):
        with pytest.raises(Refused, match=f"the model {name} does not run on this machine"):
            open_model(settings(at), name, "this")
        with pytest.raises(Refused, match="does not run on this machine"):
            open_model(settings(at, ("tiny.allowRemote", name), scope=Scope.LOCAL), name, "this")
        open_model(settings(at, ("tiny.allowRemote", name)), name, "this").close()
    assert server.chats() == []


def test_a_clone_chooses_no_model_file() -> None:
    with pytest.raises(Refused, match="this clone's configuration names a model file"):
        named(settings(("tiny.model", "gguf:/tmp/x.gguf"), scope=Scope.LOCAL), "", "this")
    assert str(named(settings(("tiny.model", "gguf:/tmp/x.gguf")), "", "this")) == "gguf:/tmp/x.gguf"


@pytest.mark.parametrize(
    ("text", "kind", "name"),
    [
        ("qwen2.5-coder:7b", "ollama", "qwen2.5-coder:7b"),
        ("ollama:a:b", "ollama", "a:b"),
        ("gguf:/m/x.bin", "gguf", "/m/x.bin"),
        ("/m/x.gguf", "gguf", "/m/x.gguf"),
        ("openai:local", "openai", "local"),
    ],
)
def test_names_of_models(text: str, kind: str, name: str) -> None:
    assert (read_name(text).kind, read_name(text).name) == (kind, name)


@pytest.mark.parametrize("text", ["", "ollama:", "gguf: ", "a\nb"])
def test_names_of_no_model(text: str) -> None:
    with pytest.raises(TinyError):
        read_name(text)


def test_the_environments_host_counts_only_on_this_machine() -> None:
    os.environ["OLLAMA_HOST"] = "0.0.0.0:4321"
    assert str(host_of(Settings(), "ollama")) == "http://127.0.0.1:4321"
    os.environ["OLLAMA_HOST"] = "gpu.lan:4321"
    with pytest.raises(Refused, match=r"gpu\.lan"):
        host_of(Settings(), "ollama")


def test_calls_are_noted_by_hashes_and_figures(server: Script) -> None:
    noted: list[Operation] = []
    session = Session.begin(backend(server), noted.append)
    server.say("fine", Say(status=500, error="broken"))
    session.ask("ask", PARTS, most=50)
    with pytest.raises(Incomplete):
        session.ask("ask", {**PARTS, "question": "and now?"}, most=50, again=1)
    done, failed = (dict(one.details) for one in noted)
    assert (done["outcome"], failed["outcome"]) == ("done", "failed")
    assert (done["model"], done["digest"], done["prompt"]) == ("coder:7b", DIGEST, "ask/1")
    assert (done["seed"], failed["seed"], failed["temperature"]) == (0, 1, "0.40")
    assert len(str(done["question"])) == 64
    assert done["question"] != failed["question"]
    assert "what is it" not in str(noted) and "fine" not in str(noted)
    assert [call.prompt for call in session.calls] == ["ask"]


def test_a_question_that_cannot_fit_is_not_sent(server: Script) -> None:
    session = Session.begin(backend(server), lambda _: None, context=2048)
    with pytest.raises(Refused, match="the model has 2048"):
        session.ask("ask", {**PARTS, "question": "word " * 3000}, most=50)
    assert server.chats() == []


def test_ctrl_c_ends_the_answer_at_the_server_too(server: Script) -> None:
    server.say(Say("word " * 20000, pause=0.01))
    seen: list[str] = []

    def stop(piece: str) -> None:
        seen.append(piece)
        if len(seen) == 3:
            raise KeyboardInterrupt

    asked = backend(server)
    with pytest.raises(KeyboardInterrupt):
        asked.chat(question(), stop)
    asked.close()
    server.say("fine")
    assert backend(server).chat(question()).text == "fine"
    wait_for(lambda: server.busy == 0)
