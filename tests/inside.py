"""A verb run inside the test's own process: what it prints, without what starting Python costs."""

from __future__ import annotations

import json as jsonlib
from contextlib import chdir, redirect_stdout
from io import StringIO
from typing import Any

from tests.repos import Repo
from tests.world import tick
from tinycode_git.commands.app import invoke, load
from tinycode_git.verbs import VERBS


def inside(repo: Repo, verb: str, *args: str, code: int | tuple[int, ...] = 0) -> Any:
    """The object that ``git tiny VERB .. --json`` prints in a repository. Raises what the verb raises."""
    tick()
    printed = StringIO()
    with chdir(repo.path), redirect_stdout(printed):
        ended = invoke(load(VERBS[verb]), f"git tiny {verb}", [*args])
    assert ended in (code if isinstance(code, tuple) else (code,))
    return jsonlib.loads(printed.getvalue())
