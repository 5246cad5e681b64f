"""The models that can be used: a server's, and the files that Ollama has pulled."""

from __future__ import annotations

from dataclasses import dataclass

from tinycode_git.config import Settings
from tinycode_git.errors import TinyError
from tinycode_git.llm.choose import host_of


@dataclass(frozen=True, slots=True)
class Row:
    """One model: as it is named, where it is, how large, whether it is the one in use."""

    name: str
    size: int
    parameters: str
    quantization: str
    digest: str
    used: bool
    source: str


@dataclass(frozen=True, slots=True)
class Models:
    """What ``list --json`` prints; ``missing`` says which places could not be asked, and why."""

    models: tuple[Row, ...]
    missing: tuple[str, ...]


def found(settings: Settings, current: str) -> Models:
    """Every model there is; ``current`` is the one in use."""
    from tinycode_git.llm.blobs import pulled

    rows: list[Row] = []
    missing: list[str] = []
    ways = [_of_openai] if current.startswith("openai:") else [_of_ollama]
    if settings.text("tiny.modelHost") and not current:
        ways.append(_of_openai)  # what is named may be either
    for way in ways:
        try:
            rows = way(settings, current)
            missing = []
            break
        except TinyError as error:
            missing = missing or [error.message]
    for blob in pulled():
        name = f"gguf:{blob.path}"
        rows.append(Row(name, blob.size, "", "", blob.digest, name == current, f"{blob.name}, without a server"))
    if current.startswith("gguf:") and not any(row.used for row in rows):
        rows.append(Row(current, 0, "", "", "", True, "tiny.model"))
    return Models(tuple(rows), tuple(missing))


def _of_ollama(settings: Settings, current: str) -> list[Row]:
    from tinycode_git.llm.ollamalist import installed

    host = host_of(settings, "ollama")
    rows = []
    for one in installed(host):
        name = f"ollama:{one.name}"
        mine = current in (name, name.removesuffix(":latest"))
        source = f"passed on to {one.remote}" if one.remote else str(host)
        rows.append(Row(name, one.size, one.parameters, one.quantization, one.digest, mine, source))
    return rows


def _of_openai(settings: Settings, current: str) -> list[Row]:
    from tinycode_git.llm.openai import offered

    host = host_of(settings, "openai")
    return [Row(f"openai:{name}", 0, "", "", "", f"openai:{name}" == current, str(host)) for name in offered(host)]
