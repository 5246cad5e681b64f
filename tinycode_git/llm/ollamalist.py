"""What an Ollama server says of its models (``/api/tags``, ``/api/show``), without the package ``ollama``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tinycode_git.errors import Incomplete
from tinycode_git.llm import wire
from tinycode_git.llm.backend import Card
from tinycode_git.llm.hosts import Host
from tinycode_git.llm.wire import Gone

QUICK = 10.0


@dataclass(frozen=True, slots=True)
class Listed:
    """One model of a server: name, digest, bytes, and what it is."""

    name: str
    digest: str
    size: int
    parameters: str
    quantization: str
    remote: str


def not_there(host: Host, gone: Gone) -> Incomplete:
    """The error where no Ollama answers at ``host``: what to install or start, and what works without."""
    if "has not answered" in gone.message or "what answers" in gone.message:
        return gone
    return Incomplete(
        f"no Ollama answers at {host}",
        "start it (ollama serve) or install it from ollama.com; recipes, --patch, --reply and --agent work without",
    )


def installed(host: Host, timeout: float = QUICK) -> list[Listed]:
    """The models of a server, as it lists them. Raises Incomplete."""
    try:
        found = wire.call(host, "GET", "/api/tags", timeout=timeout)
    except Gone as gone:
        raise not_there(host, gone) from gone
    rows = found.get("models") if isinstance(found, dict) else ""
    if not isinstance(rows, list | None):
        raise Gone(f"what answers at {host} is not Ollama", "git config tiny.modelHost names the server")
    return [_listed(row) for row in map(wire.mapping, rows or ()) if row.get("name")]


def _listed(row: Mapping[str, Any]) -> Listed:
    details = wire.mapping(row.get("details"))
    return Listed(
        name=str(row["name"]),
        digest=str(row.get("digest") or "").removeprefix("sha256:"),
        size=wire.whole(row.get("size")),
        parameters=str(details.get("parameter_size") or ""),
        quantization=str(details.get("quantization_level") or ""),
        remote=str(row.get("remote_host") or ""),
    )


def card_of(name: str, answer: Any, digest: str, size: int) -> Card:
    """A card from what ``/api/show`` says. Servers before 0.6.4 name no abilities: completion is assumed."""
    shown = wire.mapping(answer)
    details, info = wire.mapping(shown.get("details")), wire.mapping(shown.get("model_info"))
    family = str(info.get("general.architecture") or details.get("family") or "")
    abilities = shown.get("capabilities")
    return Card(
        name=name,
        digest=digest,
        context=wire.whole(info.get(f"{family}.context_length")),
        size=size,
        family=family,
        parameters=str(details.get("parameter_size") or ""),
        quantization=str(details.get("quantization_level") or ""),
        template=str(shown.get("template") or ""),
        abilities=frozenset(map(str, abilities)) if isinstance(abilities, list) else frozenset(("completion",)),
        remote=str(shown.get("remote_host") or ""),
    )
