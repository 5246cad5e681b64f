"""Plan JSON: what it makes, the field that each error names, and the schema beside the reader."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinycode_git.planners
from tests.edits.judge import result, text
from tinycode_git.edits.globs import Glob
from tinycode_git.edits.plan_json import read_plan
from tinycode_git.errors import Exit, Refused, TinyError, UsageError
from tinycode_git.planners.plan_file import plan_from_file
from tinycode_git.proposal import MODE_EXEC, MODE_FILE, MODE_LINK, MemorySnapshot

SCHEMA = json.loads((Path(tinycode_git.planners.__file__).parent / "plan.schema.json").read_text())
DOCS = Path(__file__).resolve().parents[2] / "docs" / "plan-json.md"
BASE = {
    **text(**{"src/app.py": 'print("hello")\n', "README.md": "hi\n", "run.sh": "#!/bin/sh\n", "dos.txt": "a\r\nb\r\n"}),
    "link": (MODE_LINK, b"src"),
}


def plan(*edits: Any, **more: Any) -> dict[str, Any]:
    """A plan of one step."""
    return {"version": 1, "steps": [{"title": "T", "edits": list(edits)}], **more}


def put(path: Any, content: Any = "x\n", **more: Any) -> dict[str, Any]:
    """A put."""
    return {"op": "put", "path": path, "content": content, **more}


def run(value: Any) -> Any:
    """Plan ``value`` over the base."""
    return plan_from_file(MemorySnapshot(dict(BASE)), json.dumps(value).encode())


def test_the_example_of_the_documentation() -> None:
    example = re.search(r"```json\n(.*?)```", DOCS.read_text(), re.DOTALL)
    assert example is not None
    proposal = plan_from_file(MemorySnapshot(dict(BASE)), example[1].encode())
    assert result(BASE, proposal) == BASE | text(**{"src/app.py": 'print("hallo")\n', "src/words.txt": "hallo\nwelt\n"})
    assert proposal.task == "greet in German"
    assert proposal.declared == ("src/**", "README.md")
    (step,) = proposal.steps
    assert (step.title, step.body) == ("Greet in German", "The English greeting was a placeholder.")
    assert step.assisted_by == "my-agent 0.3"
    jsonschema.validate(json.loads(example[1]), SCHEMA)


def test_every_op() -> None:
    raw = bytes(range(256))
    value = plan(
        {"op": "put", "path": "data.bin", "base64": base64.b64encode(raw).decode()},
        put("tool", "#!/bin/sh\n", mode="100755"),
        put("here", "src/app.py", mode="120000"),
        {"op": "rename", "path": "README.md", "to": "docs/README.md"},
        {"op": "replace", "path": "docs/README.md", "search": "hi", "replace": "ho\n"},
        {"op": "replace", "path": "dos.txt", "search": "b\n", "replace": "B\nC"},
        {"op": "mode", "path": "run.sh", "mode": "100755"},
        {"op": "delete", "path": "link"},
    )
    jsonschema.validate(value, SCHEMA)
    after = dict(BASE)
    del after["README.md"], after["link"]
    after |= {
        "data.bin": (MODE_FILE, raw),
        "tool": (MODE_EXEC, b"#!/bin/sh\n"),
        "here": (MODE_LINK, b"src/app.py"),
        "docs/README.md": (MODE_FILE, b"ho\n"),
        "dos.txt": (MODE_FILE, b"a\r\nB\r\nC\r\n"),
        "run.sh": (MODE_EXEC, b"#!/bin/sh\n"),
    }
    assert result(BASE, run(value)) == after


def test_steps_build_on_each_other() -> None:
    steps = [
        {"title": "One", "edits": [put("a", "1\n2\n")]},
        {"title": "Two", "edits": [{"op": "replace", "path": "a", "search": "2", "replace": "3"}]},
        {"title": "Three", "edits": [{"op": "delete", "path": "a"}]},
    ]
    proposal = run({"version": 1, "steps": steps})
    assert result(BASE, proposal) == BASE
    assert [step.title for step in proposal.steps] == ["One", "Two", "Three"]
    assert proposal.task == "One"
    assert proposal.steps[0].assisted_by == "plan"


def test_a_path_that_is_not_utf_8() -> None:
    value = b'{"version": 1, "steps": [{"title": "T", "edits": [{"op": "put", "path": "caf\\udce9", "content": ""}]}]}'
    (step,) = plan_from_file(MemorySnapshot(), value).steps
    assert step.changes[0].path.encode("utf-8", "surrogateescape") == b"caf\xe9"


MALFORMED: list[tuple[Any, str]] = [
    ([], "the plan: must be an object"),
    ({}, "steps: is missing"),
    ({"version": 1}, "steps: is missing"),
    ({"version": 2, "steps": []}, "version: must be 1"),
    ({"version": True, "steps": []}, "version: must be 1"),
    ({"version": 1, "steps": []}, "steps: must hold at least one step"),
    ({"version": 1, "steps": {}}, "steps: must be a list"),
    ({"version": 1, "steps": ["x"]}, "steps[0]: must be an object"),
    ({"version": 1, "steps": [{"edits": []}]}, "steps[0].title: is missing"),
    ({"version": 1, "steps": [{"title": "", "edits": []}]}, "steps[0].title: must not be empty"),
    ({"version": 1, "steps": [{"title": "  ", "edits": []}]}, "steps[0].title: must not be empty"),
    ({"version": 1, "steps": [{"title": "a\nb", "edits": []}]}, "steps[0].title: must be one line"),
    ({"version": 1, "steps": [{"title": 7, "edits": []}]}, "steps[0].title: must be a string"),
    ({"version": 1, "steps": [{"title": "T", "edits": []}]}, "steps[0].edits: must hold at least one edit"),
    ({"version": 1, "steps": [{"title": "T", "edits": [put("a")], "body": None}]}, "steps[0].body: must be a string"),
    ({"version": 1, "steps": [{"title": "T", "edits": [put("a")], "bdy": ""}]}, "steps[0].bdy: is not a known field"),
    (plan("x"), "steps[0].edits[0]: must be an object"),
    (plan({"path": "a"}), "steps[0].edits[0].op: is missing"),
    (plan({"op": "puts", "path": "a"}), "steps[0].edits[0].op: must be one of put, replace, delete, rename, mode"),
    (plan({"op": ["put"], "path": "a"}), "steps[0].edits[0].op: must be a string"),
    (plan({"op": "delete"}), "steps[0].edits[0].path: is missing"),
    (plan(put("a"), put(7)), "steps[0].edits[1].path: must be a string"),
    (plan(put(None)), "steps[0].edits[0].path: must be a string"),
    (plan(put("a", 7)), "steps[0].edits[0].content: must be a string"),
    (plan({"op": "put", "path": "a"}), "steps[0].edits[0]: must have either content or base64"),
    (plan(put("a", base64="")), "steps[0].edits[0]: must have either content or base64"),
    (plan({"op": "put", "path": "a", "base64": 1}), "steps[0].edits[0].base64: must be a string"),
    (plan(put("a", mode="644")), "steps[0].edits[0].mode: must be one of 100644, 100755, 120000, as a string"),
    (plan(put("a", mode=100644)), "steps[0].edits[0].mode: must be one of"),
    (plan(put("a", mode=["100644"])), "steps[0].edits[0].mode: must be one of"),
    (plan({"op": "mode", "path": "run.sh", "mode": "120000"}), "steps[0].edits[0].mode: must be one of 100644, 100755"),
    (plan({"op": "replace", "path": "a", "replace": ""}), "steps[0].edits[0].search: is missing"),
    (
        plan({"op": "replace", "path": "a", "search": " \n", "replace": ""}),
        "steps[0].edits[0].search: must hold a line",
    ),
    (plan({"op": "rename", "path": "a"}), "steps[0].edits[0].to: is missing"),
    (plan({"op": "delete", "path": "a", "content": ""}), "steps[0].edits[0].content: is not a known field here"),
    (plan(put("a"), declared="src"), "declared: must be a list"),
    (plan(put("a"), declared=["a", 7]), "declared[1]: must be a string"),
    (plan(put("a"), declared=["/a"]), "declared[0]: must be a path or a pattern"),
    (plan(put("a"), declared=["a/../b"]), "declared[0]: must be a path or a pattern"),
    (plan(put("a"), task=["x"]), "task: must be a string"),
    (plan(put("a"), generator="a\nb"), "generator: must be one line"),
    (plan(put("a"), extra=1), "extra: is not a known field"),
]


@pytest.mark.parametrize(("value", "message"), MALFORMED)
def test_the_field_is_named(value: Any, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        run(value)
    assert caught.value.message.startswith(message)
    assert caught.value.exit == Exit.USAGE
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(value, SCHEMA)


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"", "the plan is no JSON: line 1 column 1"),
        (b'{"version": 1,\n "steps" []}', "the plan is no JSON: line 2 column 10"),
        (b'{"version": 1, "task": "\xff"}', "the plan is no JSON: byte 24 is not UTF-8"),
        (b'{"version": 1, "version": 1, "steps": []}', "version: is there twice"),
        (b"[" * 100_000, "the plan is refused: it is nested too deeply"),
        (b'{"version": ' + b"9" * 5000 + b"}", "the plan is refused: a number is too long"),
        (
            b'{"version": 1, "steps": [{"title": "T", "edits": [{"op": "put", "path": "a", "base64": "%%"}]}]}',
            "steps[0].edits[0].base64: must be base64",
        ),
        (b'{"version": 1, "steps": [{"title": "\\ud800", "edits": []}]}', "steps[0].title: must be valid Unicode"),
    ],
)
def test_what_is_no_json(raw: bytes, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        plan_from_file(MemorySnapshot(), raw)
    assert caught.value.message.startswith(message)


REFUSED: list[tuple[Any, str]] = [
    (plan(put("../x")), "steps[0].edits[0]: path '../x' is refused: it has '..' as a component"),
    (plan(put(".GIT/x")), "steps[0].edits[0]: path '.GIT/x' is refused: it reaches into git's own folder"),
    (plan(put("")), "steps[0].edits[0]: path '' is refused: it is empty"),
    (plan({"op": "delete", "path": "/x"}), "steps[0].edits[0]: path '/x' is refused: it is absolute"),
    (plan(put("link/x")), "steps[0]: path 'link/x' is refused: it is beyond the symbolic link 'link'"),
    (plan(put("src")), "steps[0]: path 'src' is refused: it is a folder"),
    (plan(put(".gitmodules", "x", mode="120000")), "steps[0].edits[0]: path '.gitmodules' is refused"),
    (plan(put("l", "", mode="120000")), "steps[0].edits[0]: path 'l' is refused: a link needs a target"),
    (plan(put("link", "x")), "steps[0].edits[0]: 'link' is a link or a submodule"),
    (plan({"op": "delete", "path": "gone"}), "steps[0].edits[0]: op 'delete' needs 'gone', which is not there"),
    (plan({"op": "delete", "path": "src"}), "steps[0].edits[0]: op 'delete' needs 'src', which is a folder"),
    (plan({"op": "rename", "path": "run.sh", "to": "README.md"}), "steps[0].edits[0]: 'README.md' is there already"),
    (plan({"op": "rename", "path": "run.sh", "to": "run.sh"}), "steps[0].edits[0]: 'run.sh' is there already"),
    (plan({"op": "mode", "path": "link", "mode": "100755"}), "steps[0].edits[0]: 'link' is a link or a submodule"),
    (
        plan({"op": "replace", "path": "README.md", "search": "no", "replace": "x"}),
        "steps[0].edits[0]: the edit of 'README.md' does not match the file",
    ),
    (plan(put("README.md", "hi\n")), "steps[0] (T): it changes nothing"),
    (plan(put("new"), {"op": "delete", "path": "new"}), "steps[0] (T): it changes nothing"),
    (plan(put("b"), declared=["src"]), "steps[0].edits[0].path: 'b' is outside the paths that the plan declares"),
    (
        plan({"op": "rename", "path": "src/app.py", "to": "app.py"}, declared=["src"]),
        "steps[0].edits[0].to: 'app.py' is outside",
    ),
    (plan({"op": "rename", "path": "run.sh", "to": "src/x"}, declared=["src"]), "steps[0].edits[0].path: 'run.sh' is"),
    (plan(put("n/A"), put("n/a")), "steps[0]: path 'n/a' is refused: 'n/A' is the same name"),
]


@pytest.mark.parametrize(("value", "message"), REFUSED)
def test_what_does_not_fit(value: Any, message: str) -> None:
    with pytest.raises(Refused) as caught:
        run(value)
    assert caught.value.message.startswith(message)


@pytest.mark.parametrize(
    ("pattern", "fits", "not_these"),
    [
        ("src", ["src", "src/a", "src/a/b"], ["srcs/a", "a/src", "SRC/a"]),
        ("src/", ["src/a"], ["srcs"]),
        ("*.py", ["a.py", ".py"], ["a/b.py", "a.pyc", "a.py/b"]),
        ("**/*.py", ["a.py", "x/y/a.py"], ["a.txt"]),
        ("src/*", ["src/a"], ["src/a/b", "src"]),
        ("src/**", ["src/a", "src/a/b"], ["a"]),
        ("a/**/z", ["a/z", "a/b/z", "a/b/c/z", "a/b/z/below"], ["a/zz", "b/a/z"]),
        ("**", ["a", "a/b"], []),
        ("?.[ch]", ["a.c", "b.h"], ["ab.c", "a.x"]),
    ],
)
def test_globs(pattern: str, fits: list[str], not_these: list[str]) -> None:
    assert [path for path in fits + not_these if Glob(pattern).matches(path)] == fits


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=5)
    | st.sampled_from(["put", "a", "100644", "src/app.py"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["version", "steps", "title", "edits", "op", "path", "content", "mode", "search", "replace", "to"]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)


@settings(max_examples=200, deadline=None)
@given(VALUES, st.integers(0, 3))
def test_any_json_is_answered_and_the_schema_agrees(value: Any, depth: int) -> None:
    if depth:
        value = {"version": 1, "steps": [{"title": "T", "edits": [value]} if depth > 1 else value]}
    raw = json.dumps(value).encode()
    valid = jsonschema.Draft202012Validator(SCHEMA).is_valid(json.loads(raw))
    try:
        read_plan(raw)
    except UsageError as error:
        # What a schema cannot say: that base64 decodes, that text is valid Unicode.
        assert not valid or "base64" in error.message or "Unicode" in error.message or "one line" in error.message
    else:
        assert valid or '"path": ""' in raw.decode()
    try:
        run(value)
    except TinyError as error:
        assert "\n" not in error.message
