"""What needs no model loads no model library, and what needs one begins to talk before its package is there."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.llm.server import Script
from tests.repos import ROOT, Repo, run

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
    ("propose", "rename main to run"),
    ("propose", "make everything better"),
]


@pytest.mark.parametrize("args", WITHOUT, ids=" ".join)
def test_what_needs_no_model_loads_none(repo: Repo, args: tuple[str, ...]) -> None:
    loaded = imported(*args, cwd=repo.path)
    assert not loaded & LIBRARIES
    assert not [name for name in loaded if name.startswith("tinycode_git.llm.")]


def test_the_verbs_that_talk_to_a_model_are_loaded_without_one(world: Path) -> None:
    """All of them at once; that each imports itself alone is tested with the other verbs."""
    code = (
        "import sys\n"
        "from tinycode_git.commands.app import load\n"
        "from tinycode_git.verbs import MODELS, VERBS\n"
        "print(sum(1 for verb in VERBS.values() if load(verb) and verb.section == MODELS))\n"
        "print(*sys.modules)\n"
    )
    count, loaded = run([sys.executable, "-P", "-c", code], cwd=world, env={"PYTHONPATH": str(ROOT)}).out.splitlines()
    assert int(count) >= 8
    assert not set(loaded.split()) & (LIBRARIES | {"http.client"})


NEEDING_NONE = [
    ["status"],
    ["plans"],
    ["show"],
    ["diff"],
    ["check"],
    ["export"],
    ["scan"],
    ["rules", "list"],
    ["audit", "log"],
    ["config", "list"],
    ["backups", "list"],
    ["mode"],
    ["doctor"],
    ["version"],
    ["explain", "hello.txt:1"],
    ["insights"],
    ["review"],
    ["propose", "--recipe", "replace", "hello", "hi"],
    ["reject", "--yes"],
    ["gc"],
]


def test_the_verbs_that_need_no_model_run_without_any_library_of_one(repo: Repo) -> None:
    """One after another in one process, with a plan to look at."""
    repo.tiny("propose", "--recipe", "replace", "hello", "goodbye")
    code = (
        "import sys\n"
        "from tinycode_git.commands.app import invoke, load\n"
        "from tinycode_git.errors import TinyError\n"
        "from tinycode_git.verbs import VERBS\n"
        f"for words in {NEEDING_NONE!r}:\n"
        "    try:\n"
        "        invoke(load(VERBS[words[0]]), words[0], words[1:])\n"
        "    except TinyError as error:\n"
        "        print('refused', words, error.message, file=sys.stderr)\n"
        "print(*sys.modules)\n"
    )
    done = run([sys.executable, "-P", "-c", code], cwd=repo.path, env={"PYTHONPATH": str(ROOT)})
    loaded = set(done.out.splitlines()[-1].split())
    assert "tinycode_git.commands.review" in loaded and "tinycode_git.plan.propose" in loaded
    assert not loaded & LIBRARIES
    assert not [name for name in loaded if name.startswith("tinycode_git.llm.") and "hosts" not in name]
    refusals = [line for line in done.err.splitlines() if line.startswith("refused")]
    assert len(refusals) <= 3, refusals


def test_a_model_is_looked_at_without_its_package(set_up: Repo, server: Script) -> None:
    loaded = imported("model", "show", cwd=set_up.path)
    assert "http.client" in loaded
    assert not loaded & LIBRARIES


def test_the_chat_begins_without_any_model(set_up: Repo, server: Script) -> None:
    assert not imported("chat", cwd=set_up.path) & (LIBRARIES | {"http.client"})
    assert server.asked == []
