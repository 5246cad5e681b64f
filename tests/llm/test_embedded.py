"""llama.cpp in this process, on a model of random weights: what it says is noise, unless a form is forced on it."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from tests.llm.tiny_gguf import CONTEXT, write_model
from tests.repos import Repo
from tinycode_git.dialogue import Context, Message, Parameters, Piece, Question
from tinycode_git.errors import Incomplete
from tinycode_git.llm.embedded import Embedded, digest_of
from tinycode_git.llm.header import read_header
from tinycode_git.llm.prompting import load
from tinycode_git.llm.session import Session
from tinycode_git.planners.model_ask import edit_question, plan_parts
from tinycode_git.planners.model_plan import PlannedStep, ids_of, read_plan, schema_of
from tinycode_git.proposal import MODE_FILE, MemorySnapshot

FILES = MemorySnapshot({f"src/m{n}.py": (MODE_FILE, b"x = 1\n") for n in range(3)})


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model(tmp_path_factory.mktemp("model") / "tiny.gguf")


def question(text: str, most: int = 600, *, form: bool, seed: int = 1, drawn: float = 0.0) -> Question:
    ids = ids_of(list(FILES.files))
    messages = (Message("system", "You plan."), Message("user", text))
    return Question(messages, Parameters(2048, most, drawn, seed), schema_of(ids, 2) if form else None)


def test_the_header_says_what_the_model_is(model: Path) -> None:
    card = Embedded.of(model, 0).card()
    assert (card.name, card.context, card.family) == ("tiny random llama", CONTEXT, "llama")
    assert card.digest == digest_of(model)
    assert len(card.digest) == 64
    assert "general.name" in read_header(model)


@pytest.mark.parametrize("seed", [1, 2])
def test_the_form_forces_a_valid_plan_out_of_noise(model: Path, seed: int) -> None:
    """The same question without the form is no plan: so the form was in force."""
    backend = Embedded.of(model, 2048)
    try:
        pieces: list[str] = []
        forced = backend.chat(question("plan", 1200, form=True, seed=seed, drawn=0.4), pieces.append)
        free = backend.chat(question("plan", 200, form=False, seed=seed, drawn=0.4))
    finally:
        backend.close()
    assert "".join(pieces) == forced.text
    assert len(pieces) > 5
    if not forced.cut:
        rows = json.loads(forced.text)["steps"]
        assert 1 <= len(rows) <= 2
        assert all(set(row) == {"title", "intent", "change", "create", "delete"} for row in rows)
        known = set(ids_of(list(FILES.files)))
        assert all(set(row["change"]) <= known and len(row["title"]) <= 72 for row in rows)
    assert not free.text.lstrip().startswith('{"steps"')
    assert forced.read > 0 and forced.wrote > 0


def test_tokens_are_counted_by_the_model(model: Path) -> None:
    backend = Embedded.of(model, 2048)
    try:
        assert backend.count("twelve bytes") == 11 + 2 * 3, (
            "a letter is a byte, a space (one in front) the three of U+2581"
        )
    finally:
        backend.close()


def test_an_answer_that_is_interrupted_ends_at_once_and_the_model_stays(model: Path) -> None:
    backend = Embedded.of(model, 2048)
    seen: list[str] = []

    def stop(piece: str) -> None:
        seen.append(piece)
        if len(seen) == 5:
            raise KeyboardInterrupt

    try:
        begun = time.monotonic()
        with pytest.raises(KeyboardInterrupt):
            backend.chat(question("talk", 1500, form=False), stop)
        assert len(seen) == 5
        answer = backend.chat(question("talk", 10, form=False))
        assert answer.cut and answer.wrote == 10
        assert time.monotonic() - begun < 20
    finally:
        backend.close()


def test_a_model_that_does_not_fit_into_memory_is_not_loaded(model: Path) -> None:
    huge = model.with_name("huge.gguf")
    huge.write_bytes(model.read_bytes())
    os.truncate(huge, 2**42)  # a file with a hole
    backend = Embedded.of(huge, 2048)
    try:
        with pytest.raises(Incomplete, match=r"needs 4398.* GB of memory, and .* are free"):
            backend.chat(question("plan", form=True))
    finally:
        huge.unlink()


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"no model", "not a GGUF file"),
        (b"GGUF\x03\0\0\0", "ends in the middle"),
        (b"GGUF\x63\0\0\0" + bytes(16), "version 99"),
        (b"", "not a GGUF file"),
    ],
)
def test_what_is_no_model_is_refused(tmp_path: Path, content: bytes, why: str) -> None:
    place = tmp_path / "x.gguf"
    place.write_bytes(content)
    with pytest.raises(Incomplete, match=why):
        Embedded.of(place, 0)


def test_a_file_that_only_begins_like_a_model_is_said(tmp_path: Path, model: Path) -> None:
    place = tmp_path / "half.gguf"
    data = model.read_bytes()
    place.write_bytes(data[: len(data) * 2 // 3])
    backend = Embedded.of(place, 2048)
    with pytest.raises(Incomplete, match="cannot load"):
        backend.chat(question("plan", form=True))


def test_the_plan_of_read_plan_is_what_the_grammar_gives(model: Path) -> None:
    """Whatever comes out under the form is read, or dropped with a reason; nothing else can happen."""
    from tinycode_git.planners.model_plan import BadAnswer

    backend = Embedded.of(model, 2048)
    try:
        answer = backend.chat(question("plan", 1200, form=True, seed=7, drawn=0.7))
    finally:
        backend.close()
    try:
        planned = read_plan(answer.text, FILES, ids_of(list(FILES.files)), 2)
    except BadAnswer as bad:
        assert "names a file" in str(bad) or answer.cut
    else:
        assert all(path in FILES.files for step in planned.steps for path in step.change)


def test_a_question_fits_where_every_letter_is_a_token(model: Path) -> None:
    """What a prompt takes by itself is counted too, by the model's own tokenizer."""
    backend = Embedded.of(model, CONTEXT)
    session = Session.begin(backend, lambda _: None, context=CONTEXT)
    text = "def thing(x):\n    return x\n" * 20
    piece = Piece("src/m0.py", "named", text, 1, 40, True, backend.count(text) or 0)
    context = Context(tuple(FILES.files), text, (piece, piece), ("a commit",) * 5)
    try:
        asked = plan_parts(session, "do it", context, ids_of(list(FILES.files)), 8, 1024, "")
        turns = [("plan", asked, 1024)]
        step = PlannedStep("Do it", "as asked", ("src/m0.py",))
        for wanted in ("whole", "blocks"):
            edit = edit_question(session, "do it", context, step, "src/m0.py", text[:200], wanted, "", [])
            assert edit is not None
            turns.append(edit)
        for name, parts, most in turns:
            asked_for = sum(session.count(one.content) + 8 for one in load(name).filled(parts))
            assert asked_for + most <= CONTEXT, name
    finally:
        backend.close()


def test_a_model_file_is_used_tried_and_never_named_by_a_clone(repo: Repo, model: Path) -> None:
    """The real thing as a process: the form is kept by a model that knows nothing, and its edits are not taken."""
    repo.tiny("model", "use", f"gguf:{model}")
    assert repo.git("config", "--global", "tiny.model").text == f"gguf:{model}"
    assert repo.tiny("model", "show", "--json").json["context"] == CONTEXT
    tried = repo.tiny("model", "test", "--json", check=False, timeout=300).json
    found = {one["name"]: one for one in tried["trials"]}
    assert not tried["ok"]
    assert "edit" not in found or found["edit"]["ok"] is False
    assert "form that is asked for is not kept" not in found["plan"]["message"] or "cut" in found["plan"]["message"]
    repo.git("config", "--global", "--unset", "tiny.model")
    repo.config("tiny.model", f"gguf:{model}")
    refused = repo.tiny("ask", "why?", check=False)
    assert refused.code == 1
    assert "this clone's configuration names a model file" in refused.err
