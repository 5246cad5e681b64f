"""Whatever a model answers: no traceback, no path that was not offered, nothing that acts on a terminal."""

from __future__ import annotations

import io
import json
import random
import re
from collections.abc import Iterator
from contextlib import chdir, redirect_stderr, redirect_stdout
from functools import partial

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.llm.server import Say, Script
from tests.llm.test_said import FILES, IDS, SAID
from tests.plan.plans import untouched
from tests.repos import Repo
from tinycode_git.commands.app import invoke, load
from tinycode_git.edits.paths import check_path
from tinycode_git.errors import TinyError
from tinycode_git.llm.spoken import without_thinking
from tinycode_git.planners.failure import read_failure
from tinycode_git.planners.model import unwrapped
from tinycode_git.planners.model_cite import citations
from tinycode_git.planners.model_edit import edit_of
from tinycode_git.planners.model_plan import BadAnswer, read_plan
from tinycode_git.planners.model_words import commit_message, completion
from tinycode_git.verbs import VERBS

# Everything that begins a sequence, moves the cursor or turns the direction of text, but line ends and tabs.
ACTS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069]")
ESCAPE = "\x1b]0;owned\x07\x1b[2J\u202e\x9b31m"
STEP = st.fixed_dictionaries(
    {},
    optional={
        "title": st.one_of(st.text(max_size=90), st.integers(), st.none()),
        "intent": st.one_of(st.text(max_size=30), st.lists(st.text(max_size=3), max_size=2)),
        **{
            key: st.one_of(
                st.lists(
                    st.one_of(
                        st.sampled_from(
                            [*IDS, *FILES.files, "../x", "/etc/passwd", ".git/config", ".GIT/hooks/x", "a/b"]
                        ),
                        st.text(max_size=12),
                        st.integers(),
                    ),
                    max_size=5,
                ),
                st.text(max_size=6),
                st.booleans(),
            )
            for key in ("change", "create", "delete")
        },
    },
)
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.floats(allow_nan=True), st.text(max_size=8)),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=6), inner, max_size=4)),
    max_leaves=12,
)
PLANS = st.one_of(
    st.builds(json.dumps, st.fixed_dictionaries({"steps": st.one_of(st.lists(STEP, max_size=6), JSON)})),
    st.builds(json.dumps, JSON),
    st.builds(lambda data: data.decode("utf-8", "replace"), st.binary(max_size=200)),
    st.text(max_size=200),
)
PARTS = st.sampled_from(
    [
        *("```", "````", "~~~", "```python\n", "\n", "\r\n", " ", "src/app.py", "src/app.py\n", "../../etc/passwd\n"),
        *("<<<<<<< SEARCH\n", "=======\n", ">>>>>>> REPLACE\n", "    return 0\n", "def main():\n", "*** Begin Patch\n"),
        *(
            "--- a/src/app.py\n",
            "+++ b/src/app.py\n",
            "@@ -1,3 +1,3 @@\n",
            "-    return 0\n",
            "+    return 1\n",
            ESCAPE,
        ),
        *("<think>", "</think>", "<tool_call>", '{"name": "run", "arguments": {}}', "...", "rename from hello.txt\n"),
    ]
)
EDITS = st.one_of(
    st.lists(PARTS, max_size=14).map("".join),
    st.builds("".join, st.lists(st.one_of(PARTS, st.text(max_size=10)), max_size=10)),
    st.builds(lambda data: data.decode("utf-8", "surrogateescape"), st.binary(max_size=200)),
)


@given(PLANS)
@settings(max_examples=300)
@example('{"steps": [{"title": "x", "create": [".git/config", "../x", "/x", "C:\\\\x", "a\\u0000b", "con"]}]}')
@example('{"steps": [{"title": "x", "create": ["link", "src", "README.md/x"]}]}')
@example("[" * 3000)
@example('{"steps": ' * 2000)
def test_any_plan_is_read_or_refused_and_stays_within_what_was_offered(text: str) -> None:
    try:
        planned = read_plan(unwrapped(without_thinking(text)[0]), FILES, IDS, 4)
    except BadAnswer as bad:
        assert str(bad)
        return
    assert 1 <= len(planned.steps) <= 4
    for step in planned.steps:
        assert step.title and len(step.title) <= 72 and not ACTS.search(step.title + step.intent)
        assert {*step.change, *step.delete} <= {path for path, (mode, _) in FILES.files.items() if mode == 0o100644}
        for path in step.create:
            check_path(path)
            assert path not in FILES.files
            assert not any(path.startswith(f"{file}/") for file in FILES.files)


@given(EDITS)
@settings(max_examples=300)
def test_any_edit_is_of_its_file_or_refused(text: str) -> None:
    try:
        edited = edit_of(FILES, "src/app.py", unwrapped(without_thinking(text)[0]))
    except BadAnswer as bad:
        assert str(bad)
        return
    assert {change.path for change in edited.changes} == {"src/app.py"}


@given(EDITS)
@settings(max_examples=200)
def test_any_words_are_a_message_a_completion_and_an_answer(text: str) -> None:
    try:
        message = commit_message(text)
    except BadAnswer:
        message = "none\n"
    assert message.endswith("\n") and len(message.split("\n")[0]) <= 72 and not ACTS.search(message)
    assert "<CURSOR>" not in completion(text, "    x = ", "\n    return x\n")
    for place in citations(text, FILES, [], []):
        assert place.problem
    read_failure(text, lambda path: "\0" not in path and path in FILES.files)


def ran(repo: Repo, verb: str, *args: str, typed: str = "") -> tuple[str, str, int]:
    """What a verb prints in this process, and its exit code; any other exception than ours fails the test."""
    out, err = io.StringIO(), io.StringIO()
    with chdir(repo.path), redirect_stdout(out), redirect_stderr(err):
        try:
            code = invoke(load(VERBS[verb]), f"git tiny {verb}", list(args)) or 0
        except TinyError as error:
            code = int(error.exit)
    return out.getvalue(), err.getvalue(), code


@pytest.fixture
def staged(set_up: Repo) -> Repo:
    set_up.write("hello.txt", "hello again\n")
    set_up.git("add", "hello.txt")
    return set_up


VERBS_ASKED = [
    ("ask", "what does main do?", "--json"),
    ("ask", "what does main do?"),
    ("commit-message",),
    ("complete", "src/app.py:2:12"),
    ("propose", "let main answer one"),
    ("fix", "src/app.py:2"),
    ("refactor", "src", "tidy"),
]


def hostile() -> Iterator[str]:
    """The recorded answers, each with what acts on a terminal in front, and what was only ever hostile."""
    for said in SAID:
        yield ESCAPE + said.answer.encode("utf-8", "replace").decode()[:4000]
    yield "\x00\x01\x02"
    yield "[src/app.py:2](" + ESCAPE + ") [../../etc/passwd:1] [src/app.py:99999999999]"
    yield (
        '{"steps": [{"title": "'
        + "\\u001b[2J"
        + 'x", "change": ["f1"], "create": ["../../x", ".git/hooks/pre-commit"]}]}'
    )


@pytest.mark.parametrize("words", VERBS_ASKED, ids=lambda words: " ".join(words[:1]))
def test_every_recorded_answer_to_every_verb(staged: Repo, server: Script, words: tuple[str, ...]) -> None:
    """One after another, as the answer to whatever is asked."""
    answers = list(hostile())
    if words[0] in ("propose", "fix", "refactor"):
        answers = answers[::4]
    plan = json.dumps({"steps": [{"title": "Return one", "intent": "one", "change": ["src/app.py"]}]})
    tree = staged.tree("HEAD")
    with untouched(staged):
        for number, answer in enumerate(answers):
            server.answers.clear()
            if words[0] in ("propose", "fix", "refactor") and number % 2:
                server.say(plan)
            server.fallback = Say(answer)
            more = (f"{words[1]} {number}", *words[2:]) if words[0] == "ask" else words[1:]
            out, err, code = ran(staged, words[0], *more)
            assert code in (0, 1, 4), (answer, err)
            assert not ACTS.search(out + err), answer
            assert "Traceback" not in err
    for one in staged.git("for-each-ref", "--format=%(refname)", "refs/heads/tiny/").text.split():
        changed = staged.git("diff", "--name-only", "HEAD", one).text.split("\n")
        assert all(not path.startswith((".git", "/", "..")) for path in changed)
    assert staged.tree("HEAD") == tree


def test_a_conversation_of_hostile_answers(staged: Repo, server: Script) -> None:
    answers = list(hostile())[::6]
    server.say(*answers)
    with untouched(staged):
        done = staged.tiny("chat", input="".join(f"question {n}?\n" for n in range(len(answers))), check=False)
    assert done.code in (0, 4)
    assert not ACTS.search(done.out + done.err)
    assert "Traceback" not in done.err and len(server.chats()) == len(answers)
    listed = staged.tiny("chat", "--list").out
    assert "question 0?" in listed


RAW = [
    b"%s",
    b"%s\n",
    b'{"message": %s, "done": true}\n',
    b'{"message": {"role": "assistant", "content": 5}, "done": true}\n%s',
    b'{"done": "x", "message": null}\n%s\n',
    b'{"message": {"role": "assistant", "content": "x"}, "done": true, "prompt_eval_count": %s}\n',
    b'{"message": {"role": "assistant", "content": "x", "tool_calls": [%s]}, "done": true}\n',
    b'{"error": %s}\n',
    b"data: %s\n\ndata: [DONE]\n\n",
    b'data: {"choices": %s}\n\n',
    b'data: {"choices": [%s]}\n\ndata: [DONE]\n\n',
    b'data: {"choices": [{"delta": %s}]}\n\ndata: [DONE]\n\n',
    b'data: {"choices": [{"delta": {"content": %s}, "finish_reason": %s}]}\n\ndata: [DONE]\n\n',
    b'data: {"usage": {"prompt_tokens": %s}}\n\ndata: [DONE]\n\n',
    b'data: {"error": %s}\n\n',
]
SENT = [b"", b"null", b"{}", b"[]", b"5", b"-1e400", b'"x"', b"\xff\xfe", b'{"a": {}}', b"[" * 3000, b'{"a":' * 3000]


@pytest.mark.parametrize("shape", RAW, ids=range(len(RAW)))
def test_any_bytes_on_the_wire_are_an_answer_or_an_error(server: Script, shape: bytes) -> None:
    from tests.llm.test_ollama import backend, question
    from tests.llm.test_openai import backend as openai_backend

    for sent in [*SENT, random.Random(len(shape)).randbytes(40)]:
        server.fallback = Say(raw=shape.replace(b"%s", sent))
        for one in (backend(server), openai_backend(server)):
            try:
                one.chat(question())
            except TinyError as error:
                assert error.message
            finally:
                one.close()


def test_any_bytes_about_a_model_are_a_card_or_an_error(server: Script) -> None:
    """In place of what ``/api/show``, ``/api/tags``, ``/v1/models`` and ``/props`` say."""
    from tests.llm.test_ollama import backend
    from tests.llm.test_openai import backend as openai_backend
    from tinycode_git.llm.ollamalist import installed

    cards = [b'{"details": %s}', b'{"model_info": %s}', b'{"capabilities": %s, "template": %s}', b'{"models": %s}']
    cards += [b'{"models": [%s]}', b'{"models": [{"name": "x", "size": %s, "details": %s}]}', b'{"data": %s}', b"%s"]
    cards += [b'{"data": [{"id": "coder:7b", "meta": %s, "max_model_len": %s}], "total_slots": %s}', b'{"version": %s}']
    for shape in cards:
        for sent in SENT:
            server.all = shape.replace(b"%s", sent)
            one, other = backend(server), openai_backend(server)
            asked = (
                one.card,
                other.card,
                other.parallel,
                partial(installed, other.host),
                partial(getattr, one, "version"),
            )
            for asking in asked:
                try:
                    asking()
                except TinyError as error:
                    assert error.message
            assert other.count("x") in (None, 0, 1)
