"""Modes: the lowest wins, a typing mistake never means more."""

from __future__ import annotations

import pytest

from tinycode_git.errors import Refused, UsageError
from tinycode_git.modes import Ceiling, Mode, ceiling, require


@pytest.mark.parametrize(
    ("environment", "configured", "mode", "source"),
    [
        (None, None, Mode.EXECUTE, "default"),
        (None, "propose", Mode.PROPOSE, "tiny.mode"),
        (None, "execute", Mode.EXECUTE, "tiny.mode"),
        ("chat", None, Mode.CHAT, "TINY_MODE"),
        ("execute", None, Mode.EXECUTE, "TINY_MODE"),
        ("chat", "execute", Mode.CHAT, "TINY_MODE"),
        ("execute", "chat", Mode.CHAT, "tiny.mode"),
        ("propose", "propose", Mode.PROPOSE, "tiny.mode"),
    ],
)
def test_the_lowest_wins(environment: str | None, configured: str | None, mode: Mode, source: str) -> None:
    variables = {} if environment is None else {"TINY_MODE": environment}
    assert ceiling(variables, configured) == Ceiling(mode, source)


@pytest.mark.parametrize("text", ["", "Execute", "EXECUTE", "exec", " execute", "2", "none"])
def test_what_is_no_mode_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"TINY_MODE is .* not a mode"):
        ceiling({"TINY_MODE": text}, None)
    with pytest.raises(UsageError, match=r"tiny\.mode is .* not a mode"):
        ceiling({"TINY_MODE": "chat"}, text)


def test_require() -> None:
    require(Ceiling(Mode.PROPOSE, "tiny.mode"), Mode.PROPOSE, "proposing")
    with pytest.raises(Refused, match=r"applying needs mode execute; the ceiling is propose \(tiny.mode\)") as refused:
        require(Ceiling(Mode.PROPOSE, "tiny.mode"), Mode.EXECUTE, "applying")
    assert refused.value.hint == "git tiny mode execute raises it (at a terminal)"
    with pytest.raises(Refused) as refused:
        require(Ceiling(Mode.CHAT, "TINY_MODE"), Mode.PROPOSE, "proposing")
    assert "TINY_MODE=chat" in refused.value.hint
