from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.planners.recipes.recipe_trees import tree
from tinycode_git.errors import TinyError
from tinycode_git.planners.recipes.registry import RECIPES, find
from tinycode_git.planners.sentence import nearest_recipes, understand

TREE = tree({"src/a.py": "", "docs/x y.md": ""})

UNDERSTOOD = [
    ("rename get_cwd to current_dir", "rename", ("get_cwd", "current_dir")),
    ("Please rename `x` to `y` in src/.", "rename", ("x", "y", "src")),
    ("rename the function foo() to bar() everywhere, please!", "rename", ("foo", "bar")),
    ("can you rename Foo to foo?", "rename", ("Foo", "foo")),
    ("rename  foo\tto bar in src/a.py.", "rename", ("foo", "bar", "src/a.py")),
    ("rename `file` to `path`", "rename", ("file", "path")),
    ("RENAME foo TO bar IN ./src", "rename", ("foo", "bar", "src")),
    ("replace 'foo' with 'bar'", "replace", ("foo", "bar")),
    ("replace “foo” by ‘bar’ in src", "replace", ("foo", "bar", "src")),
    ('replace "it\'s" with \'its\' in "docs/x y.md"', "replace", ("it's", "its", "docs/x y.md")),
    ("change 'a  b' to 'b'", "replace", ("a  b", "b")),
    ("replace '-x' with '--y'", "replace", ("--", "-x", "--y")),
    ("format the code", "format", ()),
    ("Format.", "format", ()),
    ("format src/", "format", ("src",)),
    ("please format everything", "format", ()),
    ("fix lint", "lint-fix", ()),
    ("fix all linter errors", "lint-fix", ()),
    ("fix lint f401, E711 and I001", "lint-fix", ("F401", "E711", "I001")),
    ("fix F401", "lint-fix", ("F401",)),
    ("remove unused imports", "lint-fix", ("F401",)),
    ("Remove all the unused imports everywhere!", "lint-fix", ("F401",)),
    ("sort the imports", "lint-fix", ("I001",)),
    ("rewrite print($A) to log($A) in python", "rewrite", ("print($A)", "log($A)", "--lang", "python")),
    ("rewrite `$A in $B` to `f($A, $B)` in py in src", "rewrite", ("$A in $B", "f($A, $B)", "--lang", "python", "src")),
]


@pytest.mark.parametrize(("sentence", "recipe", "args"), UNDERSTOOD)
def test_understood(sentence: str, recipe: str, args: tuple[str, ...]) -> None:
    call = understand(sentence, TREE)
    assert call is not None
    assert (call.recipe, call.args) == (recipe, args)


NOT_UNDERSTOOD = [
    "",
    "make it faster",
    "rename foo",
    "rename foo to foo",
    "rename foo to bar and a to b",
    "rename foo to bar in lib",
    "don't rename foo to bar",
    "rename files to x",
    "rename self.x to self.y",
    "rename foo to bar, then format the code",
    "rename foo to bar\nand format",
    "replace foo with bar",
    "replace the parser with a faster one",
    "replace 'foo' with bar",
    "replace 'foo' with 'bar' in lib",
    "rewrite a to b in c to d in python",
    "rewrite the parser to use regular expressions in python",
    "rewrite print($A) to log($A)",
    "rewrite print($A) to log($A) in klingon",
    "format lib/",
    "format the disk",
    "format everything with black",
    "fix the bug",
    "fix CVE2024",
    "fix issue12",
    "remove unused imports in src",
    "remove unused code",
    "sort the list",
]


@pytest.mark.parametrize("sentence", NOT_UNDERSTOOD)
def test_not_understood(sentence: str) -> None:
    assert understand(sentence, TREE) is None


NEAR = [
    ("raname foo to bar", "rename"),
    ("replace foo with bar", "replace"),
    ("fix all the linting trouble", "lint-fix"),
    ("reformat with black", "format"),
    ("rewrite the parser", "rewrite"),
]


@pytest.mark.parametrize(("sentence", "recipe"), NEAR)
def test_nearest_recipes(sentence: str, recipe: str) -> None:
    assert RECIPES[recipe].usage in nearest_recipes(sentence)
    assert nearest_recipes("make it faster") == ()


@pytest.mark.parametrize("recipe", list(RECIPES))
def test_every_sentence_of_a_recipe_is_understood_as_it(recipe: str) -> None:
    snapshot = tree({"src/a.py": "", "docs/a.md": ""})
    assert RECIPES[recipe].sentences
    for sentence in RECIPES[recipe].sentences:
        call = understand(sentence, snapshot)
        assert call is not None, sentence
        assert call.recipe == recipe


@given(
    st.lists(
        st.sampled_from(
            [
                *"'`\"“”. \n",
                "rename",
                "to",
                "in",
                "replace",
                "with",
                "format",
                "src",
                "foo",
                "$A",
                "fix",
                "F401",
                "python",
                "rewrite",
            ]
        ),
        max_size=12,
    )
)
def test_any_words_are_a_call_that_parses_or_nothing(words: list[str]) -> None:
    """What is understood is a valid command line: whatever the recipe then says, it is not about its usage."""
    call = understand(" ".join(words), TREE)
    if call is not None:
        try:
            find(call.recipe).plan(TREE, call.args)
        except TinyError as error:
            assert "usage:" not in error.hint


@pytest.mark.parametrize(
    "sentence",
    [
        "rename " + "a" * 10**6 + " to b",
        "rewrite " + "to in " * 20_000 + "in python",
        "replace " + "'a' " * 20_000,
        "please " * 50_000,
        "format" + " " * 50_000 + "x",
    ],
)
def test_long_input_is_answered(sentence: str) -> None:
    call = understand(sentence, TREE)
    assert call is None or call.args[0] == "a" * 10**6
