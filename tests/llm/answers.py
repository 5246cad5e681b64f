"""Answers as a model gives them, for tests that script one."""

from __future__ import annotations

import json
from typing import Any


def plan(*steps: dict[str, Any]) -> str:
    """The JSON of a plan; each step is completed by empty lists."""
    return json.dumps(
        {"steps": [{"intent": "as asked", "change": [], "create": [], "delete": [], **one} for one in steps]}
    )


def change(title: str, *paths: str) -> dict[str, Any]:
    """A step that changes files."""
    return {"title": title, "change": list(paths)}


def create(title: str, *paths: str) -> dict[str, Any]:
    """A step that creates files."""
    return {"title": title, "create": list(paths)}


def block(path: str, old: str, new: str) -> str:
    """One search/replace block under its path."""
    return f"{path}\n<<<<<<< SEARCH\n{old}\n=======\n{new}\n>>>>>>> REPLACE\n"


def whole(text: str, info: str = "python") -> str:
    """A file in a fence."""
    return f"```{info}\n{text}```\n"
