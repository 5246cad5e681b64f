"""A random value in every way that code and configuration carry one: found; words in the same places: not."""

from __future__ import annotations

from itertools import count

import pytest

from tests.safety.secret_shapes import FIXED, NAMES, RANDOM, SHAPES, drawn
from tinycode_git.safety.engine import Engine
from tinycode_git.safety.rule import rank

# Words, identifiers, references and stand-ins: what stands in the same places and is no secret.
NO_SECRETS = (
    "get_password_from_vault", "PasswordAuthenticationFilter", "xxxxxxxxxxxxxxxxxxxx",
    "your-api-key-goes-here", "example-secret-value-1", "00000000000000000000000000000000", "change_me_before_release",
    "abcdefghijklmnopqrstuvwxyz012345", "process.env.API_SECRET_KEY", "config/credentials.json",
    "AbstractSecurityTokenFactory2",
)  # fmt: skip


def reported(engine: Engine, path: str, text: str, least: str) -> bool:
    """Whether a rule for secrets of that severity or more reports the text."""
    return any(
        engine.rule(match.rule).family == "secret"
        and rank(engine.rule(match.rule).severity) >= rank(least)
        and engine.concerns(match, path)
        for match in engine.look(text.encode(), "content", path).matches
    )


@pytest.mark.parametrize("shapes", [SHAPES, FIXED], ids=["named", "fixed"])
def test_a_random_value_is_found_in_every_shape(engine: Engine, shapes: dict[str, tuple[str, str]]) -> None:
    number, missed = count(), {}
    for at, (shape, (path, text)) in enumerate(shapes.items()):
        cases = [(NAMES[(at + n) % len(NAMES)], kind) for n, kind in enumerate(RANDOM)][:: 1 if shapes is FIXED else 3]
        hits = [
            reported(engine, path, text.format(name=name, value=drawn(kind, next(number))), "low")
            for name, kind in cases
        ]
        missed[shape] = 1 - sum(hits) / len(hits)
    assert {shape: round(share, 2) for shape, share in missed.items() if share > 0.7} == {}
    assert sum(missed.values()) / len(missed) < 0.05


def test_words_in_the_same_places_stay_silent(engine: Engine) -> None:
    """Nothing of medium severity or above, whatever the shape."""
    wrong = [
        (shape, value)
        for at, (shape, (path, text)) in enumerate(SHAPES.items())
        for value in NO_SECRETS[at % 4 :: 4]
        if reported(engine, path, text.format(name=NAMES[at % len(NAMES)], value=value), "medium")
    ]
    assert wrong == []


def test_what_is_drawn_differs() -> None:
    """The table means what it says: the alphabets and lengths, and no value twice."""
    values = [drawn(kind, seed) for kind in RANDOM for seed in range(3)]
    assert len(set(values)) == len(values)
    assert all(
        len(drawn(kind, 0)) == size and set(drawn(kind, 0)) <= set(letters) for kind, (letters, size) in RANDOM.items()
    )
