"""One JSON object, ASCII, stable, lossless for paths."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import Enum, IntEnum
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.repos import Repo
from tinycode_git.proposal import path_str
from tinycode_git.render.jsonout import dumps, quoted


class Risk(IntEnum):
    LOW = 1


class State(Enum):
    OPEN = "open"


@dataclass(frozen=True, slots=True)
class Inner:
    path: str
    title: str


@dataclass(frozen=True, slots=True)
class Outer:
    zebra: int
    alpha: Risk
    state: State
    inner: tuple[Inner, ...]
    new_path: str | None = None


def test_fields_keep_their_order_and_enums_their_words() -> None:
    value = Outer(1, Risk.LOW, State.OPEN, (Inner("a", "b"),))
    assert dumps(value) == (
        '{"zebra": 1, "alpha": "low", "state": "open", "inner": [{"path": "a", "title": "b"}], "new_path": null}'
    )


@pytest.mark.parametrize(
    ("raw", "written"),
    [
        (b"plain.txt", "plain.txt"),
        ("žluť.txt".encode(), "žluť.txt"),
        (b"with\nfeed", "with\nfeed"),
        (b"caf\xe9.txt", '"caf\\351.txt"'),
        (b'"quoted"', '"\\"quoted\\""'),
        (b"back\\slash\xff", '"back\\\\slash\\377"'),
        (b"tab\there\xff", '"tab\\there\\377"'),
    ],
)
def test_a_path_is_itself_or_quoted_as_git_quotes(raw: bytes, written: str) -> None:
    for key in ("path", "old_path"):
        assert json.loads(dumps({key: path_str(raw)})) == {key: written}
    assert json.loads(dumps({"paths": [path_str(raw)]})) == {"paths": [written]}


def test_text_that_is_no_path_never_has_lone_surrogates() -> None:
    assert json.loads(dumps({"title": path_str(b"caf\xe9")})) == {"title": "caf�"}
    assert json.loads(dumps({path_str(b"\xff"): 1})) == {"�": 1}


def test_path_objects_are_paths() -> None:
    assert dumps({"anything": PurePosixPath("a/b")}) == '{"anything": "a/b"}'


def test_what_has_no_form_is_refused() -> None:
    with pytest.raises(TypeError, match="bytes has no JSON form"):
        dumps({"a": b"x"})
    with pytest.raises(ValueError, match="not JSON compliant"):
        dumps({"a": float("nan")})


@given(st.text(alphabet=st.characters(exclude_categories=())))
def test_the_output_is_ascii_that_any_parser_reads(text: str) -> None:
    written = dumps({"path": text, "title": text})
    assert written.isascii()
    read = json.loads(written)
    for value in read.values():
        value.encode("utf-8")  # no lone surrogates: parsers of other languages refuse them


def test_git_reads_quoted_paths_back(repo: Repo) -> None:
    raw = b'od\xe9"d\\na\tme\x07.txt'
    repo.write(raw, "content\n")
    repo.git("update-index", "--add", "--stdin", input=quoted(path_str(raw)) + "\n")
    assert path_str(raw) in repo.index()


def test_a_path_of_the_file_system(tmp_path: Path) -> None:
    assert json.loads(dumps({"folder": tmp_path})) == {"folder": str(tmp_path)}
