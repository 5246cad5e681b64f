"""What ``--recipe`` offers: each entry is a module, checked as a ``Recipe`` by the type checker."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from types import MappingProxyType

from tinycode_git.errors import UsageError
from tinycode_git.planners.recipes import formatting, lint_fix, rename, replace, rewrite
from tinycode_git.planners.recipes.base import Recipe

_ALL: tuple[Recipe, ...] = (rename, rewrite, replace, lint_fix, formatting)

RECIPES: Mapping[str, Recipe] = MappingProxyType({recipe.name: recipe for recipe in _ALL})


def find(name: str) -> Recipe:
    """The recipe of that name. Raises UsageError naming the nearest."""
    found = RECIPES.get(name)
    if found is None:
        near = get_close_matches(name.lower(), RECIPES, 2, 0.5)
        hint = f"did you mean {' or '.join(near)}?" if near else f"recipes: {', '.join(RECIPES)}"
        raise UsageError(f"there is no recipe {name}", hint)
    return found
