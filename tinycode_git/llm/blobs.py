"""The models that Ollama has pulled already, as files: llama.cpp reads them with no server running.

Ollama keeps a manifest (JSON, as of the OCI image format) for each name and the weights as a blob by digest.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

_WEIGHTS = "application/vnd.ollama.image.model"
# Where the installer for Linux lets its own user keep them.
_SYSTEM = Path("/usr/share/ollama/.ollama/models")


@dataclass(frozen=True, slots=True)
class Blob:
    """The weights of one name: where they are, how large, which digest."""

    name: str
    path: Path
    size: int
    digest: str


def pulled() -> list[Blob]:
    """Every model whose weights are here; what cannot be read is passed over."""
    named = os.environ.get("OLLAMA_MODELS")
    found: dict[str, Blob] = {}
    for folder in [Path(named)] if named else [Path.home() / ".ollama/models", _SYSTEM]:
        manifests = folder / "manifests"
        try:
            places = sorted(place for place in manifests.rglob("*") if place.is_file())
        except OSError:
            continue
        for place in places:
            blob = _blob(folder, manifests, place)
            if blob is not None:
                found.setdefault(blob.name, blob)
    return list(found.values())


def _blob(folder: Path, manifests: Path, place: Path) -> Blob | None:
    try:
        layers = json.loads(place.read_bytes())["layers"]
        digest = next(str(layer["digest"]) for layer in layers if layer.get("mediaType") == _WEIGHTS)
        weights = folder / "blobs" / digest.replace(":", "-")
        size = weights.stat().st_size
    except (OSError, ValueError, KeyError, TypeError, StopIteration, AttributeError):
        return None
    parts = place.relative_to(manifests).parts
    name = "/".join(part for part in parts[1:-1] if part != "library") + f":{parts[-1]}"
    return Blob(name, weights, size, digest.removeprefix("sha256:"))
