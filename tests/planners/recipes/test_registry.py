from __future__ import annotations

import pytest

from tests.planners.recipes.recipe_trees import tree
from tinycode_git.errors import Refused, UsageError
from tinycode_git.planners.recipes.registry import RECIPES, find


def test_names() -> None:
    assert list(RECIPES) == ["rename", "rewrite", "replace", "lint-fix", "format"]


@pytest.mark.parametrize(("name", "hint"), [("renam", "rename"), ("lintfix", "lint-fix"), ("FORMAT", "format")])
def test_an_unknown_name_gets_the_nearest(name: str, hint: str) -> None:
    with pytest.raises(UsageError, match=f"there is no recipe {name}") as refusal:
        find(name)
    assert f"did you mean {hint}" in refusal.value.hint


def test_an_unknown_name_far_from_all_gets_the_list() -> None:
    with pytest.raises(UsageError) as refusal:
        find("xyzzy")
    assert all(name in refusal.value.hint for name in RECIPES)


@pytest.mark.parametrize("name", list(RECIPES))
def test_what_help_is_made_from(name: str) -> None:
    recipe = RECIPES[name]
    assert recipe.usage.split()[0] == name
    assert recipe.examples
    assert all(example.split()[0] == name for example in recipe.examples)
    assert recipe.summary
    assert not recipe.summary.endswith(".")
    assert all(f"{option.name}" in recipe.usage for option in recipe.options)


@pytest.mark.parametrize(("name", "example"), [(n, e) for n in RECIPES for e in RECIPES[n].examples])
def test_examples_are_calls_that_parse(name: str, example: str) -> None:
    import shlex

    snapshot = tree({"src/a.js": "", "docs/a.md": "", "tests/a": "", "pyproject.toml": ""})
    with pytest.raises(Refused):
        find(name).plan(snapshot, shlex.split(example)[1:])
