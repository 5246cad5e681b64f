"""A verb run in this process, for what ends in a refusal: a process of its own would cost a second each."""

from __future__ import annotations

from contextlib import chdir
from pathlib import Path

import pytest

from tinycode_git.commands.app import invoke, load
from tinycode_git.errors import TinyError
from tinycode_git.verbs import VERBS


def refused(cwd: Path, verb: str, *args: str) -> TinyError:
    """The error that a verb ends with; fails the test where it does not."""
    with chdir(cwd), pytest.raises(TinyError) as caught:
        invoke(load(VERBS[verb]), f"git tiny {verb}", list(args))
    return caught.value
