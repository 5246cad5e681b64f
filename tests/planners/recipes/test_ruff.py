# ruff: noqa: E501 (one row a case)
from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruff.__main__ import find_ruff_bin

from tests.planners.recipes.recipe_trees import after, head, planned, tree
from tinycode_git.errors import Refused, UsageError
from tinycode_git.proposal import MemorySnapshot, path_bytes

MESSY = "import sys\nimport os\nfrom typing import List\nx: List[int] = []\nif not x is None: pass\ny = f'a'\n"


def plain(snapshot: MemorySnapshot, folder: Path, *args: str) -> dict[str, bytes]:
    """What ruff itself makes of the tree, written out whole."""
    for path, (mode, content) in snapshot.files.items():
        if mode != 0o120000:
            target = folder / os.fsdecode(path_bytes(path))
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
            target.chmod(mode & 0o777)
    subprocess.run([find_ruff_bin(), *args, "--no-cache"], cwd=folder, capture_output=True, check=False)
    return {
        path: content if mode == 0o120000 else (folder / os.fsdecode(path_bytes(path))).read_bytes()
        for path, (mode, content) in snapshot.files.items()
    }


def titles(snapshot: MemorySnapshot, *args: str) -> list[str]:
    return [step.title for step in planned(snapshot, *args).steps]


def test_a_step_for_each_rule_in_an_order_that_stands_alone() -> None:
    snapshot = tree(
        {
            "pyproject.toml": "[tool.ruff.lint]\nselect = ['E', 'F', 'I', 'UP']\n",
            "a.py": "import re\n" + MESSY + "print(os, sys)\n",
        }
    )
    assert titles(snapshot, "lint-fix") == [
        "Fix E714 (not is test) in 1 file",
        "Fix F541 (f string missing placeholders) in 1 file",
        "Fix UP006 (non pep585 annotation) in 1 file",
        "Fix F401 (unused import) in 1 file",
        "Fix I001 (unsorted imports) in 1 file",
    ]


CONFIGURATIONS: dict[str, dict[str, str | bytes]] = {
    "none": {"a.py": MESSY, "sub/b.py": MESSY},
    "pyproject": {"pyproject.toml": "[tool.ruff.lint]\nselect = ['ALL']\n", "a.py": MESSY},
    "ruff.toml": {"ruff.toml": "line-length = 20\n[lint]\nextend-select = ['I', 'UP']\n", "a.py": MESSY},
    "nested": {".ruff.toml": "[lint]\nselect=['F']\n", "sub/ruff.toml": "[lint]\nselect=['I']\n", "a.py": MESSY, "sub/b.py": MESSY},
    "only nested": {"sub/ruff.toml": "[lint]\nselect=['I']\n", "a.py": MESSY, "sub/b.py": MESSY},
    "extend": {"pyproject.toml": "[tool.ruff]\nextend = 'conf/base.toml'\n", "conf/base.toml": "extend='more.toml'\n", "conf/more.toml": "[lint]\nselect=['UP']\n", "a.py": MESSY},
    "exclude": {"ruff.toml": "extend-exclude=['gen']\n[lint]\nselect=['F','I']\nper-file-ignores={'sub/*'=['F401']}\n", "a.py": MESSY, "gen/a.py": MESSY, "sub/b.py": MESSY},
    "unfixable": {"ruff.toml": "[lint]\nselect=['F','I']\nunfixable=['F401']\n", "a.py": MESSY},
    "unsafe": {"ruff.toml": "unsafe-fixes=true\nfix=true\n[lint]\nselect=['F','E','UP','B','SIM']\n", "a.py": MESSY + "if x == True: pass\n"},
    "requires-python": {"pyproject.toml": "[project]\nname='x'\nversion='1'\nrequires-python='>=3.8'\n[tool.ruff.lint]\nselect=['UP']\n", "a.py": MESSY + "open('a', 'r')\n"},
    "first party": {"src/pkg/__init__.py": "", "src/pkg/a.py": "import pkg.b\nimport os, zlib\nprint(os, zlib, pkg)\n", "src/pkg/b.py": "", "ruff.toml": "[lint]\nselect=['I']\n"},
    "noqa": {"ruff.toml": "[lint]\nselect=['F','RUF100']\n", "a.py": "import os  # noqa: F401\nimport sys  # noqa: E501\n"},
    "executable": {"ruff.toml": "preview=true\n[lint]\nselect=['EXE','W']\n", "a.py": "#!/usr/bin/python  \nprint()  \n"},
    "include": {"ruff.toml": "extend-include=['*.pyx']\n[lint]\nselect=['F']\n", "a.pyx": "import os\n", "b.py": "import os\n"},
}  # fmt: skip


@pytest.mark.parametrize("name", list(CONFIGURATIONS))
def test_the_result_is_what_ruff_makes_of_the_whole_tree(name: str, tmp_path: Path) -> None:
    snapshot = tree(CONFIGURATIONS[name])
    assert after(snapshot, "lint-fix") == plain(snapshot, tmp_path, "check", "--fix", "--no-unsafe-fixes")


@pytest.mark.parametrize("name", list(CONFIGURATIONS))
def test_format_is_what_ruff_makes_of_the_whole_tree(name: str, tmp_path: Path) -> None:
    snapshot = tree({**CONFIGURATIONS[name], "README.md": "```python\nx   = 1\n```\n"})
    assert after(snapshot, "format") == plain(snapshot, tmp_path, "format", ".")


def test_rules_that_are_named_count_whatever_is_configured(tmp_path: Path) -> None:
    snapshot = tree({"ruff.toml": "[lint]\nselect=['E']\nignore=['F401']\n", "a.py": MESSY})
    assert titles(snapshot, "lint-fix", "unused-import") == ["Fix F401 (unused import) in 1 file"]
    assert titles(snapshot, "lint-fix", "i", "UP") == [
        "Fix UP006 (non pep585 annotation) in 1 file",
        "Fix I001 (unsorted imports) in 1 file",
    ]


def test_every_step_stands_alone() -> None:
    """After each step the files still compile, and its rule has nothing left to fix in what it touched."""
    snapshot = tree({"ruff.toml": "[lint]\nselect=['ALL']\n", "a.py": MESSY, "b.py": "def f():\n    return None\n"})
    steps = planned(snapshot, "lint-fix").steps
    assert len(steps) == 5
    for step in steps:
        snapshot = snapshot.after(step.changes)
        for path in ("a.py", "b.py"):
            compile(snapshot.files[path][1], path, "exec")


REFUSED: list[tuple[dict[str, str | bytes], str]] = [
    ({"a.py": "x = 1\n"}, "ruff has no safe fix to make for the project's rules"),
    ({"pyproject.toml": "[tool.ruff\n", "a.py": MESSY}, "pyproject.toml is malformed"),
    ({"sub/ruff.toml": "no-such-setting = 1\n", "sub/a.py": MESSY}, "ruff failed: "),
    ({"ruff.toml": "required-version = '>=99'\n", "a.py": MESSY}, "does not match the running version"),
    ({"ruff.toml": "extend = '../x.toml'\n", "a.py": MESSY}, "ruff.toml extends ../x.toml, which is not in the tree"),
    ({"ruff.toml": "extend = '~/x.toml'\n", "a.py": MESSY}, "which is not in the tree"),
    ({"ruff.toml": "extend = '${HOME}/x.toml'\n", "a.py": MESSY}, "which is not in the tree"),
    ({"ruff.toml": "extend = 'missing.toml'\n", "a.py": MESSY}, "which is not in the tree"),
]


@pytest.mark.parametrize(("files", "message"), REFUSED)
def test_refused(files: dict[str, str | bytes], message: str) -> None:
    with pytest.raises(Refused) as refusal:
        planned(tree(files), "lint-fix")
    assert message in refusal.value.message
    assert "\n" not in refusal.value.message
    if "no safe fix" not in message:
        with pytest.raises(Refused):
            planned(tree(files), "format")


@pytest.mark.parametrize(
    ("word", "hint"), [("F4011", "F401"), ("unused-imports", "unused-import"), ("nonsense-nonsense", "")]
)
def test_an_unknown_rule_gets_the_nearest(word: str, hint: str) -> None:
    with pytest.raises(UsageError, match=f"ruff has no rule {word}") as refusal:
        planned(tree({"a.py": MESSY}), "lint-fix", word)
    assert hint in refusal.value.hint


def test_what_ruff_cannot_parse_is_named() -> None:
    snapshot = tree({"a.py": MESSY, "bad.py": "def f(:\n"})
    assert any(note.startswith("left out: bad.py") for note in planned(snapshot, "lint-fix").notes)
    assert any(note.startswith("left out: bad.py") for note in planned(snapshot, "format").notes)


def test_only_the_tree_counts(world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither settings above the folder that ruff runs in, nor the user's own, nor the environment take part."""
    (world / "tmp").mkdir()
    for place in (world / "ruff.toml", world / "tmp" / "ruff.toml", Path.home() / ".config" / "ruff" / "ruff.toml"):
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text("exclude = ['*.py']\n[lint]\nselect=[]\n[format]\nquote-style='single'\n")
    monkeypatch.setattr("tempfile.tempdir", str(world / "tmp"))
    monkeypatch.setenv("RUFF_OUTPUT_FILE", str(world / "out"))
    snapshot = tree({"a.py": MESSY, "pyproject.toml": "[project]\nname='x'\n"})
    assert "Fix F401 (unused import) in 1 file" in titles(snapshot, "lint-fix")
    assert b'f"a"' in after(snapshot, "format")["a.py"]
    assert not (world / "out").exists()
    assert list((world / "tmp").iterdir()) == [world / "tmp" / "ruff.toml"]


def test_a_cache_is_never_written_where_the_repository_says(world: Path) -> None:
    target = world / "cache"
    planned(tree({"ruff.toml": f"cache-dir = '{target}'\n", "a.py": MESSY}), "lint-fix")
    assert not target.exists()


def test_paths_limit_the_format_and_exclusions_hold() -> None:
    files: dict[str, str | bytes] = {"ruff.toml": "extend-exclude=['src/gen']\n", "a.py": "x  = 1\n", "src/a.py": "x  = 1\n", "src/gen/a.py": "x  = 1\n"}  # fmt: skip
    paths = [change.path for change in planned(tree(files), "format", "src/", "src/gen/a.py").steps[0].changes]
    assert paths == ["src/a.py"]


def test_formatted_already() -> None:
    with pytest.raises(Refused, match="the whole tree is formatted already"):
        planned(tree({"a.py": "x = 1\n"}), "format")


def test_blacks_settings_are_not_ruffs() -> None:
    snapshot = tree({"pyproject.toml": "[tool.black]\nline-length = 120\n", "a.py": "x  = 1\n"})
    assert "configures black" in planned(snapshot, "format").notes[0]


def test_odd_paths_and_links() -> None:
    files: dict[str, str | bytes] = {
        "dé/a b.py": MESSY,
        "\udcff.py": MESSY,
        "-x.py": MESSY,
        "A.py": MESSY,
        "a.py": MESSY,
        "l.py": "a.py",
    }
    proposal = planned(tree(files, {"l.py": 0o120000}), "format")
    assert {change.path for change in proposal.steps[0].changes} == {"dé/a b.py", "\udcff.py", "-x.py", "A.py"}
    assert proposal.notes == ("left out: a.py: it differs from A.py only in case",)
    fixed = {
        change.path for step in planned(tree(files, {"l.py": 0o120000}), "lint-fix").steps for change in step.changes
    }
    assert {"dé/a b.py", "-x.py", "A.py"} <= fixed


LINES = st.sampled_from(
    ["import os", "import sys", "from typing import List, Dict", "x: List[int] = []", "print(os)", "y = f'a'", "z = x == None", "", "def f():\n    return None", "w = (1)  "]
)  # fmt: skip


@settings(max_examples=15)
@given(st.lists(LINES, min_size=1, max_size=8))
def test_the_steps_together_are_rufs_own_fixes(lines: list[str]) -> None:
    import tempfile

    snapshot = tree({"ruff.toml": "[lint]\nselect=['F','I','UP','W','E']\n", "a.py": "\n".join(lines) + "\n"})
    with tempfile.TemporaryDirectory() as folder:
        expected = plain(snapshot, Path(folder), "check", "--fix", "--no-unsafe-fixes")
    if expected["a.py"] == snapshot.files["a.py"][1]:
        with pytest.raises(Refused):
            planned(snapshot, "lint-fix")
    else:
        assert after(snapshot, "lint-fix") == expected


def test_on_this_project(tmp_path: Path) -> None:
    """The project's own tree: every rule that ruff has, as ruff itself would fix it; and its format."""
    snapshot = head(Path(__file__).parents[3])
    rules = ["UP", "COM", "D2", "ISC", "Q", "RSE", "FURB"]
    fixed = after(snapshot, "lint-fix", *rules)
    only = ",".join(rules)
    assert fixed == plain(snapshot, tmp_path, "check", "--fix", "--no-unsafe-fixes", "--extend-select", only, "--fixable", only)  # fmt: skip
