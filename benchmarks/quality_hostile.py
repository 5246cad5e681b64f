"""Does anything that a model says get off the diff? Hostile answers, given over HTTP to ``git tiny review``.

    python benchmarks/quality_hostile.py [flask=GIT_DIR] [--each N]

A scripted server stands where Ollama would. For some commits of a real history it is asked once, to learn the question;
then it gives each hostile answer to that question (``tests/review/hostile.py``: families and their variants), and the
review is made as a user makes it. What comes of it is held against ``git diff``: no finding of the model may be on a
line that the change does not touch, and none may be kept that the table does not allow. Good answers, which must be
kept, show that the others are not dropped because everything is. Each commit gets every eighth of its answers, the next
one those beside them; ``--each N``: every Nth.
"""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import chdir, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

from frame import ROOT
from make_repo import cache, environment

sys.path.insert(0, str(ROOT))

from tests.llm.server import Say, Script, serving
from tests.review.hostile import Case, Ground, cases, controls
from tinycode_git.commands.app import invoke, load
from tinycode_git.verbs import VERBS

SOURCE = "https://github.com/pallets/flask"
# Commits of flask that change code: an option added, a refactoring, a fix, lines taken away.
COMMITS = ("fbb6f0bc4c60", "c7a53888a1a5", "2c3160304278", "52df9eed45d0")
_HUNK = re.compile(r"^@@ -\d+(?:,\d+)? \+(\d+)(?:,(\d+))? @@")


def main(arguments: list[str]) -> int:
    """Print what became of the answers; 1 where a finding is off the diff or one is kept that must not be."""
    given = dict(argument.split("=", 1) for argument in arguments if "=" in argument)
    each = int(arguments[arguments.index("--each") + 1]) if "--each" in arguments else 2 * len(COMMITS)
    os.environ |= environment()
    with tempfile.TemporaryDirectory() as folder, serving() as server:
        repo = _ground(Path(folder) / "flask", given.get("flask", ""), server)
        return _told(list(_all(repo, server, each)))


def _ground(place: Path, copy: str, server: Script) -> Path:
    source = copy or str(cache() / "flask.git")
    if not Path(source).exists():
        subprocess.run(["git", "clone", "-q", "--bare", SOURCE, source], check=True)
    subprocess.run(["git", "clone", "-q", "--shared", "--no-checkout", source, str(place)], check=True)
    for name, value in (("tiny.modelHost", server.url), ("tiny.model", "coder:7b"), ("tiny.modelContext", "32768")):
        subprocess.run(["git", "config", name, value], cwd=place, check=True)
    return place


Row = tuple[Case, dict[str, Any], int]


def _all(repo: Path, server: Script, each: int) -> Iterator[Row]:
    """Every answer with the review that came of it, and how many of its findings are off the diff."""
    asked = 0
    for commit in COMMITS:
        touched = _touched(repo, commit)
        server.say('{"findings": []}')
        _review(repo, commit)
        ground = Ground.of(server.questions()[asked])
        chosen = [*controls(ground), *cases(ground)[COMMITS.index(commit) % each :: each]]
        for case in chosen:
            said = Say(case.text, thinking=case.thinking, calls=case.calls)
            server.answers.clear()
            server.say(said, said)  # what is no answer is asked for once more
            found = _review(repo, commit)
            print(".", end="", file=sys.stderr, flush=True)
            off = sum(not _on(one, touched) for one in found["findings"] if one["source"] == "model")
            yield case, found, off
        server.answers.clear()
        asked = len(server.questions())


def _review(repo: Path, commit: str) -> dict[str, Any]:
    """What ``git tiny review --json`` prints; nothing is remembered of the answer before."""
    for one in (repo / ".git/tiny/answers").glob("*"):
        one.unlink()
    out = io.StringIO()
    args = ["--json", "--no-note", "--samples", "1", "--most", "1000", "--fail-on", "never", commit]
    with chdir(repo), redirect_stdout(out), redirect_stderr(io.StringIO()):
        code = invoke(load(VERBS["review"]), "git tiny review", args)
    assert code in (0, 4), code
    return dict(json.loads(out.getvalue()))


def _touched(repo: Path, commit: str) -> set[tuple[str, int]]:
    """The lines that a commit touches, as git itself says it; a gap is the line before it."""
    out = subprocess.run(
        ["git", "diff", "--no-renames", "-U0", f"{commit}^", commit], cwd=repo, check=True, capture_output=True
    ).stdout.decode("utf-8", "replace")
    found: set[tuple[str, int]] = set()
    path = ""
    for row in out.split("\n"):
        if row.startswith("+++ b/"):
            path = row[6:]
        elif match := _HUNK.match(row):
            first, count = int(match[1]), int(match[2] or 1)
            found |= {(path, line) for line in range(first, first + count)} or {(path, max(1, first))}
    return found


def _on(one: dict[str, Any], touched: set[tuple[str, int]]) -> bool:
    return all((one["path"], line) in touched for line in range(one["line"], one["end_line"] + 1))


def _told(rows: list[Row]) -> int:
    hostile = [row for row in rows if row[0].family != "control"]
    control = [row for row in rows if row[0].family == "control"]
    kept = {id(row): sum(one["source"] == "model" for one in row[1]["findings"]) for row in rows}
    print(f"hostile answers: {len(hostile)}, in {len({row[0].family for row in hostile})} families")
    for family in dict.fromkeys(row[0].family for row in hostile):
        mine = [row for row in hostile if row[0].family == family]
        print(f"  {family}: {len(mine)}, findings kept {sum(kept[id(row)] for row in mine)}")
    dropped: Counter[str] = Counter()
    for _, found, _ in hostile:
        dropped.update(found["said"]["dropped"])
    print("dropped, by reason")
    for reason, count in dropped.most_common():
        print(f"  {count} {reason}")
    off = sum(row[2] for row in rows)
    over = [row[0] for row in hostile if kept[id(row)] > row[0].most]
    lost = [row[0] for row in control if kept[id(row)] != row[0].most]
    for case in (*over, *lost):
        print(f"  ! {case.family}: {case.name}")
    different = len({(case.text, case.thinking, str(case.calls)) for case, _, _ in hostile})
    lines = {
        f"at least 200 hostile answers, no two alike: {different} of {len(hostile)}": different >= 200,
        f"findings off the diff: {off}": not off,
        f"findings kept that must not be: {len(over)} (of all kept {sum(kept[id(row)] for row in hostile)})": not over,
        f"good answers kept: {len(control) - len(lost)} of {len(control)}": not lost,
    }
    for words, held in lines.items():
        print(f"{'holds ' if held else 'MISSED'} | {words}")
    return int(not all(lines.values()))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
