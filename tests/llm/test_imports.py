"""What needs no model loads no model library, and what needs one begins to talk before its package is there."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.llm.server import Script
from tests.repos import ROOT, Repo, run
from tinycode_git.verbs import VERBS

LIBRARIES = {"ollama", "httpx", "pydantic", "xllamacpp", "prompt_toolkit", "gguf", "numpy"}
LISTING = """
import sys
from tinycode_git.cli import main
main(sys.argv[1:])
print("", *sys.modules, sep="\\nloaded ", file=sys.stderr)
"""


def imported(*args: str, cwd: Path) -> set[str]:
    done = run([sys.executable, "-P", "-c", LISTING, *args], cwd=cwd, env={"PYTHONPATH": str(ROOT)}, check=False)
    found = {line.removeprefix("loaded ") for line in done.err.splitlines() if line.startswith("loaded ")}
    assert "tinycode_git.cli" in found, done
    return found


WITHOUT = [
    ("status",),
    ("propose", "--recipe", "replace", "hello", "goodbye"),
    ("propose", "rename main to run"),
    ("propose", "make everything better"),
    ("propose", "--show-context", "make everything better"),
]


@pytest.mark.parametrize("args", WITHOUT, ids=" ".join)
def test_what_needs_no_model_loads_none(repo: Repo, args: tuple[str, ...]) -> None:
    loaded = imported(*args, cwd=repo.path)
    assert not loaded & LIBRARIES
    assert not [name for name in loaded if name.startswith("tinycode_git.llm.")]


@pytest.mark.parametrize("name", [name for name, verb in VERBS.items() if verb.section == "with a model"])
def test_a_models_verb_explains_itself_without_one(world: Path, name: str) -> None:
    assert not imported(name, "--help", cwd=world) & (LIBRARIES | {"http.client"})


def test_a_model_is_looked_at_without_its_package(set_up: Repo, server: Script) -> None:
    loaded = imported("model", "show", cwd=set_up.path)
    assert "http.client" in loaded
    assert not loaded & LIBRARIES


def test_the_chat_begins_without_any_model(set_up: Repo, server: Script) -> None:
    assert not imported("chat", cwd=set_up.path) & (LIBRARIES | {"http.client"})
    assert server.asked == []
