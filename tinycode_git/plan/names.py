"""Plan ids and the refs that belong to them."""

from __future__ import annotations

import re
import secrets
import unicodedata
from collections.abc import Collection

RECORDS = "refs/tiny/plans/"
KEEP = "refs/tiny/keep/"
_ID = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*-[0-9a-f]{4}")
_SLUG_LENGTH = 40


def slug(task: str) -> str:
    """The first words of a task, fit for a branch name: lower case ASCII, at most 40 characters."""
    plain = unicodedata.normalize("NFKD", task[:400]).encode("ascii", "ignore").decode().lower()
    words: list[str] = re.findall(r"[a-z0-9]+", plain) or ["plan"]
    text = words[0][:_SLUG_LENGTH]
    for word in words[1:]:
        if len(text) + 1 + len(word) > _SLUG_LENGTH:
            break
        text += "-" + word
    return text


def new_id(task: str, taken: Collection[str]) -> str:
    """A plan id that is not in ``taken``: ``<slug>-<4 hex>``."""
    while True:
        plan_id = f"{slug(task)}-{secrets.token_hex(2)}"
        if plan_id not in taken:
            return plan_id


def is_id(text: str) -> bool:
    """Whether ``text`` has the form of a plan id."""
    return _ID.fullmatch(text) is not None


def branch_ref(prefix: str, plan_id: str) -> str:
    """The full name of the plan's branch."""
    return f"refs/heads/{prefix}/{plan_id}"


def record_ref(plan_id: str) -> str:
    """The full name of the plan's record."""
    return RECORDS + plan_id


def keep_ref(plan_id: str, number: int) -> str:
    """A ref that keeps a commit alive for undo and redo."""
    return f"{KEEP}{plan_id}/{number}"
