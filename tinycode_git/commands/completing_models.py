"""The models that a shell offers: those that Ollama lists where it answers at once, those it has pulled, files."""

from __future__ import annotations

from pathlib import Path
from threading import Thread

from tinycode_git.config import Settings
from tinycode_git.errors import TinyError

# What a shell waits for is in the middle of the user's line.
_AT_ONCE = 0.15
_MOST = 200


def models(current: str) -> list[tuple[str, str]]:
    """Names that begin with ``current``, each with what it is. A server that does not answer at once has none."""
    from tinycode_git import config
    from tinycode_git.git.process import Git
    from tinycode_git.llm.blobs import pulled

    if current.startswith(("gguf:", "/", "./", "../", "~")):
        prefix = "gguf:" if current.startswith("gguf:") else ""
        found = [(f"gguf:{blob.path}", f"{blob.name}, without a server") for blob in pulled()]
        return [*(_files(current.removeprefix(prefix), prefix)), *found]
    settings = config.read(Git(Path.cwd(), {}))
    own = settings.text("tiny.model")
    served = _served(settings)
    if current.startswith("ollama:"):
        served = [(f"ollama:{name}", what) for name, what in served]
    files = [(f"gguf:{blob.path}", f"{blob.name}, without a server") for blob in pulled()]
    return [*served, *([(own, "tiny.model")] if own else []), *files]


def _served(settings: Settings) -> list[tuple[str, str]]:
    """What the servers have that the configuration allows to ask: Ollama's, and where one is named an OpenAI one's."""
    from tinycode_git.llm.choose import host_of
    from tinycode_git.llm.memory import gigabytes
    from tinycode_git.llm.ollamalist import installed
    from tinycode_git.llm.openai import offered

    found: list[tuple[str, str]] = []

    def ollamas() -> None:
        try:
            for one in installed(host_of(settings, "ollama"), _AT_ONCE):
                what = f"{one.parameters} {one.quantization}".strip()
                found.append((one.name, f"{what}, {gigabytes(one.size)}" if what else gigabytes(one.size)))
        except TinyError:
            return

    def others() -> None:
        try:
            found.extend((f"openai:{name}", "") for name in offered(host_of(settings, "openai"), _AT_ONCE))
        except TinyError:
            return

    ask = others if settings.text("tiny.model").startswith("openai:") else ollamas
    thread = Thread(target=ask, daemon=True)
    thread.start()
    thread.join(_AT_ONCE)
    return list(found)


def _files(typed: str, prefix: str) -> list[tuple[str, str]]:
    """Model files, and folders, that begin as it was typed."""
    folder, _, name = typed.rpartition("/")
    try:
        top = Path(f"{folder}/" if "/" in typed else ".").expanduser()
        places = sorted(place for place in top.iterdir() if place.name.startswith(name))[:_MOST]
        rows = [(place.name, place.is_dir()) for place in places]
    except (OSError, RuntimeError):
        return []
    begun = f"{prefix}{folder}/" if "/" in typed else prefix
    return [
        (f"{begun}{found}{'/' if is_folder else ''}", "")
        for found, is_folder in rows
        if is_folder or found.endswith(".gguf")
    ]
