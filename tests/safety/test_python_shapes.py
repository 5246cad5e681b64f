"""Each dangerous form of Python's library is found whatever its argument looks like, and its safe form is not."""

from __future__ import annotations

import pytest

from tests.safety import python_shapes as shapes
from tinycode_git.safety.engine import Engine


def found(engine: Engine, text: str, start: str = "") -> bool:
    """Whether a rule whose id begins so reports the text."""
    path = "src/a.py"
    matches = engine.look(f"{text}\n".encode(), "content", path).matches
    return any(match.rule.startswith(start) and engine.concerns(match, path) for match in matches)


def missed(engine: Engine, forms: tuple[str, ...], name: str, values: tuple[str, ...]) -> list[str]:
    """Of each form with each value those that are not found."""
    filled = [form.format(**{name: value}) for form in forms for value in values]
    return [text for text in filled if not found(engine, text)]


def test_every_way_to_start_a_shell(engine: Engine) -> None:
    assert missed(engine, shapes.SHELLS, "c", shapes.COMMANDS) == []


@pytest.mark.parametrize(("forms", "start"), [(shapes.WILDCARDS, "python-wildcard"), (shapes.TEMPORARY, "python-")])
def test_every_wildcard_and_temporary_file(engine: Engine, forms: tuple[str, ...], start: str) -> None:
    assert [text for text in forms if not found(engine, text, start)] == []


def test_every_way_to_write_a_password_down(engine: Engine) -> None:
    assert missed(engine, shapes.PASSWORDS, "v", shapes.VALUES) == []


@pytest.mark.parametrize("forms", [shapes.NO_SHELLS, shapes.NOT_TEMPORARY, shapes.NO_PASSWORDS])
def test_the_safe_forms_stay_silent(engine: Engine, forms: tuple[str, ...]) -> None:
    assert [text for text in forms if found(engine, text)] == []
