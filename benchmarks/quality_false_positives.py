"""False positives in 10,000 lines of public code: every file of pinned commits, all rules, against a judged list.

    python benchmarks/quality_false_positives.py [--all] [NAME=GIT_DIR ...]

Brings each repository by ``git clone`` unless a copy on this machine is named. What the judged list
(``quality_judged.tsv``: repository, path, line, rule, judgement, reason) does not hold counts as a false positive and
is printed. Findings of severity ``low`` are notes and left out; ``--all`` counts them too. Guards (``removed``) say
nothing about a text that stands still.
"""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from tinycode_git.safety.engine import Engine
from tinycode_git.safety.policy import blocks
from tinycode_git.safety.rulefile import load_shipped
from tinycode_git.safety.ruleset import compile_rules

HERE = Path(__file__).parent
CACHE = HERE / ".cache"
JUDGED = HERE / "quality_judged.tsv"
COMMITS = {
    "redis": ("https://github.com/redis/redis", "4f8cdc2a1ea53e42955af758aabffee67cb455dd"),
    "git": ("https://github.com/git/git", "1a3e64c6c4a623626ff0687008732a8e007e2a1c"),
    "flask": ("https://github.com/pallets/flask", "2ac89889f4cc330eabd50f295dcef02828522c69"),
}


def git_dir(name: str, given: dict[str, str]) -> Path:
    """Where the repository is on this machine; cloned once where it is not."""
    if name in given:
        return Path(given[name])
    target = CACHE / f"{name}.git"
    if not target.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        if subprocess.run(["git", "clone", "-q", "--bare", COMMITS[name][0], str(target)], check=False).returncode:
            raise SystemExit(f"{name} cannot be cloned here; {name}=GIT_DIR names a copy")
    return target


def files(repository: Path, commit: str) -> Iterator[tuple[str, bytes]]:
    """Path and content of every regular file of a commit."""
    git = ["git", "--git-dir", str(repository)]
    listed = subprocess.run([*git, "ls-tree", "-r", "-z", commit], capture_output=True, check=True).stdout
    entries = [entry.split(b"\t", 1) for entry in listed.split(b"\0") if entry]
    wanted = [(head.split()[2], path) for head, path in entries if head.startswith(b"100")]
    reader = subprocess.Popen([*git, "cat-file", "--batch"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert reader.stdin is not None and reader.stdout is not None
    for oid, path in wanted:
        reader.stdin.write(oid + b"\n")
        reader.stdin.flush()
        size = int(reader.stdout.readline().split()[2])
        yield path.decode("utf-8", "surrogateescape"), reader.stdout.read(size)
        reader.stdout.read(1)
    reader.stdin.close()
    reader.wait()


def findings(engine: Engine, repository: Path, commit: str, counts: Counter[str]) -> Iterator[tuple[str, int, str]]:
    """(path, line, rule) of every finding, content and path; counts lines."""
    for path, data in files(repository, commit):
        if b"\0" not in data[:8000]:
            counts["lines"] += data.count(b"\n")
        for where, text in (("content", data), ("path", path.encode("utf-8", "surrogateescape"))):
            for match in engine.look(text, where, path).matches:
                if engine.concerns(match, path) and not engine.rule(match.rule).removed:
                    yield path, match.line if where == "content" else 0, match.rule


def judged() -> dict[tuple[str, str, str, str], str]:
    """The judgement of each finding that someone has looked at."""
    rows = [line.split("\t") for line in JUDGED.read_text().splitlines() if line and not line.startswith("#")]
    return {(name, path, line, rule): verdict for name, path, line, rule, verdict, *_ in rows}


def main(arguments: list[str]) -> int:
    """Print the totals; 1 where there is a false positive more than one in 10,000 lines allows."""
    every = "--all" in arguments
    given = dict(argument.split("=", 1) for argument in arguments if "=" in argument)
    engine = Engine(compile_rules(load_shipped()))
    known, worst = judged(), 0.0
    for name, (_, commit) in COMMITS.items():
        counts: Counter[str] = Counter()
        rules: Counter[str] = Counter()
        for path, line, rule in findings(engine, git_dir(name, given), commit, counts):
            severity = engine.rule(rule).severity
            if severity == "low" and not every:
                continue
            verdict = known.get((name, path, str(line), rule), "unjudged")
            counts[verdict] += 1
            counts["blocking false"] += verdict != "true" and blocks("standard", severity, engine.rule(rule).confidence)
            rules[rule] += verdict != "true"
            if verdict == "unjudged":
                print(f"{name}\t{path}\t{line}\t{rule}\t{verdict}")
        wrong = counts["false"] + counts["unjudged"]
        rate = wrong * 10_000 / max(1, counts["lines"])
        blocking = counts["blocking false"] * 10_000 / max(1, counts["lines"])
        print(
            f"{name}: {counts['lines']} lines, {counts['true']} true, {wrong} false: {rate:.2f} in 10,000 lines;"
            f" that block at tier standard: {counts['blocking false']} ({blocking:.2f})"
        )
        print("  " + ", ".join(f"{rule} {count}" for rule, count in rules.most_common() if count))
        worst = max(worst, rate)
    return int(worst >= 1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
