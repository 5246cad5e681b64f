"""Fixtures that every test has: a sealed world, and a way to make repositories in it."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.repos import Repo
from tests.world import sealed

_QUIET = [HealthCheck.too_slow]
settings.register_profile("default", deadline=None, print_blob=True, suppress_health_check=_QUIET, derandomize=True)
settings.register_profile("whole", deadline=None, print_blob=True, suppress_health_check=_QUIET)
# Where a row of a table is a process or more, the default run takes every fourth row of long tables.
SWEPT = ("audit", "cli", "commands", "git", "hooks", "plan")
SAMPLED = 4
FEW = 6


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--whole``: every row of every table, and random examples that are new each time (make test-all)."""
    parser.addoption("--whole", action="store_true", help="run tables whole and examples at random")


def pytest_configure(config: pytest.Config) -> None:
    """Choose how hypothesis draws; have signals reach children of a background run too."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
    settings.load_profile("whole" if config.getoption("--whole") else "default")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out most rows of long tables, always the same ones."""
    if config.getoption("--whole"):
        return
    rows: dict[str, list[pytest.Item]] = {}
    for item in items:
        if item.path.relative_to(config.rootpath / "tests").parts[0] in SWEPT:
            rows.setdefault(item.nodeid.partition("[")[0], []).append(item)
    left = [row for group in rows.values() if len(group) > FEW for n, row in enumerate(group) if n % SAMPLED]
    if left:
        config.hook.pytest_deselected(items=left)
        gone = set(left)
        items[:] = [item for item in items if item not in gone]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The lines that tests recorded as their ``summary``: how much a sweep tried."""
    reports = [report for key in ("passed", "failed") for report in terminalreporter.stats.get(key, [])]
    lines = [str(value) for report in reports for name, value in report.user_properties if name == "summary"]
    for line in lines:
        terminalreporter.write_line(line)


@pytest.fixture(autouse=True)
def world(tmp_path: Path) -> Iterator[Path]:
    """The sealed world of this test; its repositories belong below this folder."""
    root = tmp_path / "world"
    root.mkdir()
    with sealed(root):
        yield root


@pytest.fixture
def repo(world: Path) -> Repo:
    """A repository with one commit, ``hello.txt`` and ``src/app.py`` in it, on ``main``."""
    made = Repo.create(world / "repo")
    made.commit("first", {"hello.txt": "hello\n", "src/app.py": "def main() -> int:\n    return 0\n"})
    return made
