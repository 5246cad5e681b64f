"""``git tiny model`` on each of the three backends, outside of a repository, and what a shell offers for its names."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from tests.llm.inside import refused
from tests.llm.server import Say, Script, serving
from tests.llm.tiny_gguf import write_model
from tests.repos import Repo, run, tiny
from tinycode_git.commands.completing_models import models
from tinycode_git.llm.blobs import pulled


@pytest.fixture(scope="module")
def gguf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model(tmp_path_factory.mktemp("model") / "tiny.gguf")


def named(backend: str, server: Script, gguf: Path) -> str:
    """A model of each backend, its server in the user's configuration."""
    run(["git", "config", "--global", "tiny.modelHost", server.url], cwd=gguf.parent)
    return {"ollama": "ollama:coder:7b", "openai": "openai:coder:7b", "gguf": f"gguf:{gguf}"}[backend]


@pytest.mark.parametrize("backend", ["ollama", "openai", "gguf"])
def test_use_list_show_bench_on_each_backend_outside_of_a_repository(
    world: Path, server: Script, gguf: Path, backend: str
) -> None:
    name = named(backend, server, gguf)
    here = world / "nowhere"
    here.mkdir()

    def ran(*args: str) -> Any:
        return tiny("model", *args, "--json", cwd=here).json

    assert ran("use", name) == {"model": name, "digest": ran("show", name)["digest"], "scope": "global"}
    assert run(["git", "config", "--global", "tiny.model"], cwd=here).text == name
    assert [row["name"] for row in ran("list")["models"] if row["used"]] == [name]
    assert ran("show")["model"] == name
    server.say(Say("one two", pause=0.01), Say("three four five", pause=0.01))
    bench = ran("bench")
    assert bench["model"].startswith(f"{backend}:") and bench["writes"] > 0 and bench["again_seconds"] > 0
    plain = tiny("model", "show", cwd=here).out
    assert name in plain and "\x1b" not in plain


@pytest.mark.parametrize("backend", ["ollama", "openai"])
def test_the_trial_of_a_served_model_outside_of_a_repository(
    world: Path, server: Script, gguf: Path, backend: str
) -> None:
    name = named(backend, server, gguf)
    server.say("Sure, here is my plan.", "I edited it.")
    done = tiny("model", "test", name, "--json", cwd=world, check=False)
    assert done.code == 1
    assert [one["name"] for one in done.json["trials"]] == ["context", "memory", "plan", "edit", "speed"]


def test_only_a_model_of_ollamas_can_be_fetched(world: Path, server: Script, gguf: Path) -> None:
    for backend in ("openai", "gguf"):
        name = named(backend, server, gguf)
        assert refused(world, "model", "pull", name).exit == 2
    assert refused(world, "model", "pull", "huge:cloud").exit == 1
    assert not [path for path, _ in server.asked if path == "/api/pull"]


def test_this_clone_only_needs_a_clone(world: Path, set_up: Repo, server: Script) -> None:
    assert "not inside a git repository" in refused(world, "model", "use", "coder:7b", "--here").message
    set_up.tiny("model", "use", "openai:coder:7b", "--here")
    assert set_up.git("config", "--local", "tiny.model").text == "openai:coder:7b"
    assert set_up.git("config", "--global", "tiny.model").text == "coder:7b"


def test_the_ceiling_counts_outside_of_a_repository_too(world: Path, server: Script, gguf: Path) -> None:
    name = named("ollama", server, gguf)
    run(["git", "config", "--global", "tiny.mode", "chat"], cwd=world)
    assert "needs mode propose" in refused(world, "model", "use", name).message
    assert run(["git", "config", "--global", "tiny.model"], cwd=world, check=False).text == ""


def test_an_openai_server_is_listed_before_a_model_of_it_is_chosen(world: Path, server: Script, gguf: Path) -> None:
    with serving() as other:
        run(["git", "config", "--global", "tiny.modelHost", other.url + "/v1"], cwd=world)
        rows = tiny("model", "list", "--json", cwd=world).json["models"]
    assert [row["name"] for row in rows] == ["openai:coder:7b"]


# What a shell offers


def patiently(repo: Repo, *words: str, offers: str) -> str:
    """What is said of the one candidate: a machine with much to do may not answer a shell in time at once."""
    for _ in range(30):
        lines = repo.tiny("__complete", *words).out.splitlines()
        if lines:
            break
    (line,) = lines
    name, _, what = line.partition("\t")
    assert name == offers
    return what


def offered(current: str) -> list[str]:
    return [name for name, _ in models(current) if name.startswith(current)]


def test_names_are_offered_from_the_server_the_blobs_and_the_files(
    world: Path, set_up: Repo, server: Script, gguf: Path
) -> None:
    server.add("llama3:8b")
    blobs = Path(os.environ["HOME"]) / ".ollama/models"
    (blobs / "blobs").mkdir(parents=True)
    (blobs / "blobs" / f"sha256-{'a' * 64}").write_bytes(b"GGUF")
    manifest = blobs / "manifests/registry.ollama.ai/library/tiny/1b"
    manifest.parent.mkdir(parents=True)
    layer = {"mediaType": "application/vnd.ollama.image.model", "digest": f"sha256:{'a' * 64}"}
    manifest.write_text(json.dumps({"layers": [layer]}))
    for words in (
        ("model", "use", "l"),
        ("model", "show", "l"),
        ("model", "test", "l"),
        ("ask", "why", "--model", "l"),
    ):
        assert patiently(set_up, *words, offers="llama3:8b") == "7.6B Q4_K_M, 4 MB", words
    assert patiently(set_up, "propose", "x", "--model=l", offers="--model=llama3:8b")
    assert patiently(set_up, "model", "pull", "ollama:l", offers="ollama:llama3:8b")
    assert f"gguf:{blobs}/blobs/sha256-{'a' * 64}" in offered("gguf:")
    (world / "weights").mkdir()
    (world / "weights/notes.txt").touch()
    (world / "weights/own.gguf").touch()
    (world / "weights/more").mkdir()
    assert offered(f"gguf:{world}/weights/") == [f"gguf:{world}/weights/more/", f"gguf:{world}/weights/own.gguf"]
    assert offered(f"{world}/weights/o") == [f"{world}/weights/own.gguf"]


def test_a_shell_does_not_wait_for_a_server_that_is_slow_or_gone(set_up: Repo, server: Script) -> None:
    server.slow = 5.0
    begun = time.monotonic()
    lines = set_up.tiny("__complete", "model", "use", "").out.splitlines()
    assert time.monotonic() - begun < 5
    assert [line.split("\t")[0] for line in lines] == ["coder:7b"], "the one in use is known without it"
    set_up.git("config", "--global", "tiny.modelHost", "http://127.0.0.1:9")
    assert set_up.tiny("__complete", "model", "use", "").out.split("\t")[0] == "coder:7b"


def test_a_shell_asks_nobody_off_this_machine(set_up: Repo, server: Script) -> None:
    set_up.git("config", "--global", "tiny.modelHost", "http://gpu.lan:11434")
    assert set_up.tiny("__complete", "model", "use", "c").out == "coder:7b\ttiny.model\n"


# The blobs


def test_manifests_are_read_as_they_are_and_no_other_file_is(world: Path) -> None:
    top = world / "models"
    os.environ["OLLAMA_MODELS"] = str(top)
    try:
        (top / "blobs").mkdir(parents=True)
        assert pulled() == []
        weights = {"mediaType": "application/vnd.ollama.image.model", "digest": f"sha256:{'b' * 64}"}
        params = {"mediaType": "application/vnd.ollama.image.params", "digest": f"sha256:{'c' * 64}"}
        (top / "blobs" / f"sha256-{'b' * 64}").write_bytes(b"GGUF" + bytes(96))
        manifests = {
            "registry.ollama.ai/library/llama3.2/1b": {"layers": [params, weights]},
            "registry.ollama.ai/somebody/coder/latest": {"layers": [weights]},
            "hf.co/org/model-GGUF/Q4_K_M": {"layers": [weights]},
            "registry.ollama.ai/library/gone/1b": {"layers": [{**weights, "digest": f"sha256:{'d' * 64}"}]},
            "registry.ollama.ai/library/none/1b": {"layers": [params]},
            "registry.ollama.ai/library/odd/1b": {"layers": "x"},
            "registry.ollama.ai/library/list/1b": [1],
            "registry.ollama.ai/library/out/1b": {"layers": [{**weights, "digest": "sha256:../../../etc/passwd"}]},
        }
        for name, content in manifests.items():
            place = top / "manifests" / name
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(json.dumps(content))
        found = {blob.name: blob for blob in pulled()}
    finally:
        del os.environ["OLLAMA_MODELS"]
    assert set(found) == {"llama3.2:1b", "somebody/coder:latest", "org/model-GGUF:Q4_K_M"}
    assert {blob.size for blob in found.values()} == {100}
    assert {blob.digest for blob in found.values()} == {"b" * 64}
