"""Programs that are really installed, as agents on a project: three plans at once, applied in turn, then taken back."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from tests.plan.plans import state, untouched
from tests.repos import Repo

PYTHON = sys.executable
MODULE = '''"""Storage of {name}."""

from __future__ import annotations

import json
import os


class {title}Store:
    """Keeps values of {name} in a folder."""

    def __init__(self, folder: str) -> None:
        self.folder = folder

    def path(self, key: str) -> str:
        return os.path.join(self.folder, key)

    # Callers recieve None where nothing was stored.
    def get(self, key: str) -> str | None:
        if not os.path.exists(self.path(key)):
            return None
        with open(self.path(key), encoding="utf-8") as file:
            return file.read()

    def keys(self) -> list[str]:
        return sorted(os.listdir(self.folder))


def merged( first : {title}Store,second : {title}Store ) -> list[str] :
    return sorted( {{*first.keys(),*second.keys()}} )
'''
TEST = """from app.{name} import {title}Store


def test_nothing_is_there(tmp_path):
    assert {title}Store(str(tmp_path)).get("key") is None
"""
NAMES = ("users", "orders", "invoices", "tokens", "images", "sessions", "events", "reports")

AGENTS = {  # the command, what the plan changes
    "lint": (f"{PYTHON} -m ruff check -q --isolated --select F401 --fix app", "-import json\n"),
    "spelling": (f"{PYTHON} -m codespell_lib -q 3 -w app README.md", "+    # Callers receive None"),
    "format": (f"{PYTHON} -m ruff format -q --isolated app", "+def merged("),
}


@pytest.fixture
def project(repo: Repo) -> Repo:
    files = {"README.md": "# Storage\n\nAll teh stores of one shop.\n", "app/__init__.py": ""}
    for name in NAMES:
        words = {"name": name, "title": name.title()}
        files |= {f"app/{name}.py": MODULE.format(**words), f"tests/test_{name}.py": TEST.format(**words)}
    repo.commit("a project", files)
    repo.config("tiny.check", f"PYTHONPATH=. {PYTHON} -m pytest -q -p no:cacheprovider tests")
    return repo


def test_three_agents_at_work(project: Repo) -> None:
    project.write("app/users.py", MODULE.format(name="users", title="Users") + "\n# mine, not committed\n")
    before = state(project)
    plans: dict[str, Any] = {}
    for name, (command, change) in AGENTS.items():
        with untouched(project):
            plans[name] = project.tiny("propose", f"mend: {name}", "--agent", command, "--json").json
        plan = plans[name]
        assert plan["state"] == "open"
        assert change in project.tiny("diff", plan["id"]).out
        assert project.tiny("check", plan["id"]).out.endswith("nothing stands against applying it\n")
    refused = project.tiny("apply", "mend-lint", "--yes", "--expect", plans["lint"]["tip"], check=False)
    assert refused.code == 1
    assert "  app/users.py  (not staged)\n" in refused.err
    assert "gate on" not in refused.err
    project.write("app/users.py", MODULE.format(name="users", title="Users"))
    _land_and_take_back(project, plans)
    project.write("app/users.py", MODULE.format(name="users", title="Users") + "\n# mine, not committed\n")
    assert state(project)[0] == before[0]


def _land_and_take_back(project: Repo, plans: dict[str, Any]) -> None:
    before = state(project)
    for plan in plans.values():
        if project.oid() != plan["base"]:
            project.tiny("restack", plan["id"])
        tip = project.tiny("show", plan["id"], "--json").json["tip"]
        done = project.tiny("apply", plan["id"], "--yes", "--expect", tip)
        assert "8 passed" in done.err
    for name in NAMES:
        text = Path(project.path, "app", f"{name}.py").read_text()
        assert "import json" not in text
        assert "recieve" not in text
        assert "def merged(first:" in text
    assert "All the stores" in (project.path / "README.md").read_text()
    for plan in reversed(plans.values()):
        project.tiny("rollback", plan["id"])
    assert state(project) == before
    project.tiny("audit", "verify")
    project.fsck()


def test_a_part_of_what_one_of_them_did(project: Repo) -> None:
    plan = project.tiny("propose", "spelling", "--agent", AGENTS["spelling"][0], "--json").json
    assert [(step["title"], len(step["paths"])) for step in plan["steps"]] == [
        ("Change files at the top", 1),
        ("Change app/", len(NAMES)),
    ]
    part = project.tiny("apply", "--steps", "1", "--yes", "--expect", plan["tip"], "--json").json
    assert "All the stores" in (project.path / "README.md").read_text()
    assert [step["title"] for step in project.tiny("show", plan["id"], "--json").json["steps"]] == ["Change app/"]
    project.tiny("rollback", part["id"])
    assert project.git("status", "--porcelain").out == ""
