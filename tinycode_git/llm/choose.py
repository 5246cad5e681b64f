"""Which model is meant: what the command names, else ``tiny.model``; where it is; whether it may be asked."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from tinycode_git.config import Scope, Settings
from tinycode_git.errors import Incomplete, Refused, UsageError
from tinycode_git.llm.backend import Backend
from tinycode_git.llm.hosts import Host, check_cloud, check_host, parse

KINDS = ("ollama", "gguf", "openai")
_OPENAI_PORT = 8080
_WAIT = 600


@dataclass(frozen=True, slots=True)
class Named:
    """A model as it is named: the kind of backend, and the name that this knows it by."""

    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.name}"


def read_name(text: str) -> Named:
    """``ollama:NAME``, ``gguf:FILE``, ``openai:NAME``; a name alone is Ollama's, a ``.gguf`` file llama.cpp's."""
    kind, colon, name = text.partition(":")
    if colon and kind in KINDS:
        found = Named(kind, name)
    elif text.endswith(".gguf"):
        found = Named("gguf", text)
    else:
        found = Named("ollama", text)
    if not found.name.strip() or any(char.isspace() and char != " " for char in found.name):
        raise UsageError(f"{text!r} names no model", "for example ollama:qwen2.5-coder:7b, or gguf:/path/model.gguf")
    return found


def no_model(what: str) -> Incomplete:
    """The two lines where something needs a model and none is set up."""
    return Incomplete(
        f"{what} needs a model, and none is set up",
        "install Ollama, then git tiny model pull NAME && git tiny model use NAME;"
        " recipes, --patch, --reply, --plan and --agent work without",
    )


def named(settings: Settings, asked: str, what: str) -> Named:
    """The model that is meant. Raises Incomplete where there is none."""
    if asked:
        return read_name(asked)
    text = settings.text("tiny.model")
    if not text:
        raise no_model(what)
    found = read_name(text)
    value = settings.value("tiny.model")
    if found.kind == "gguf" and value is not None and value.scope in (Scope.LOCAL, Scope.WORKTREE):
        raise Refused(
            "this clone's configuration names a model file, and a model file is a program's input from anywhere",
            f"git config --global tiny.model {found} says that it is yours",
        )
    return found


def host_of(settings: Settings, kind: str) -> Host:
    """Where the server is. ``OLLAMA_HOST`` counts where the configuration says nothing. Raises Refused, UsageError."""
    text = settings.text("tiny.modelHost")
    if not text and kind == "ollama":
        text = os.environ.get("OLLAMA_HOST", "")
    if not text and kind == "openai":
        raise Incomplete(
            "no server is named for OpenAI-compatible models",
            "git config --global tiny.modelHost http://127.0.0.1:8080",
        )
    from tinycode_git.llm.ollama import PORT

    host = parse(text, PORT if kind == "ollama" else _OPENAI_PORT)
    check_host(host, settings)
    return host


def open_model(settings: Settings, asked: str, what: str) -> Backend:
    """The backend of the model that is meant; nothing is asked of it yet but what it is.

    Raises Incomplete where there is no model, Refused where it is off this machine and the user has not allowed that.
    """
    model = named(settings, asked, what)
    wait = float(settings.number("tiny.modelWait", _WAIT) or _WAIT)
    if model.kind == "gguf":
        from tinycode_git.llm.embedded import Embedded

        context, slots = settings.number("tiny.modelContext", 0), settings.number("tiny.modelParallel", 1)
        return Embedded.of(Path(model.name).expanduser(), context, slots)
    host = host_of(settings, model.kind)
    if model.kind == "openai":
        from tinycode_git.llm.openai import OpenAI, key_of_user

        check_cloud(model.name, "", settings)
        return OpenAI(host, model.name, key_of_user(), wait)
    from tinycode_git.llm.ollama import Ollama

    check_cloud(model.name, "", settings)
    found = Ollama(host, model.name, settings.text("tiny.modelKeepAlive", "10m"), wait)
    check_cloud(model.name, found.card().remote, settings)
    return found
