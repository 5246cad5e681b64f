"""What of a model's words survives that is not borne out? Hostile answers by a scripted server, over real HTTP.

    python benchmarks/quality_prose.py [--show]

Each answer of ``tests/history/hostile.py`` is given by a server that speaks Ollama's protocol, to ``git tiny
explain`` as a process of its own in a real repository. Which sentences may survive, and as stated or inferred, was
labelled by hand. The claims: no other sentence survives of 60 hostile answers or more, and of the honest answers none
is lost.
"""

from __future__ import annotations

import shutil
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.history.hostile import HONEST, HOSTILE, Said, ground, named  # noqa: E402  # beside the benchmarks
from tests.llm.server import Script, serving  # noqa: E402
from tests.repos import Repo  # noqa: E402
from tests.world import sealed  # noqa: E402

LEAST = 60


@dataclass
class Tally:
    """What came of one set of answers."""

    answers: int = 0
    shown: int = 0
    unsupported: int = 0
    lost: int = 0
    reasons: Counter[str] = field(default_factory=Counter)


@dataclass
class Stage:
    """The repository, the server, and the evidence ids of each question."""

    repo: Repo
    server: Script
    oids: dict[str, str]
    ids: dict[str, dict[str, str]] = field(default_factory=dict)

    def ask(self, said: Said) -> dict[str, Any]:
        """What ``explain --json`` has of the model's words where it says this; empty where they were refused whole."""
        words = named(said.asked, self.oids)
        if words not in self.ids:
            found = self.repo.tiny("explain", words, "--no-model", "--json").json
            by_oid = {row["oid"]: row["id"] for row in found["evidence"]}
            self.ids[words] = {name: by_oid.get(oid, "E999") for name, oid in self.oids.items()}
        text = named(said.text, self.ids[words])
        self.server.answers.clear()
        self.server.say(text, text)
        done = self.repo.tiny("explain", words, "--json", check=False)
        # The next answer is to the same question: this one is not to be remembered.
        shutil.rmtree(self.repo.path / ".git/tiny/answers", ignore_errors=True)
        prose: dict[str, Any] | None = done.json["prose"]
        assert (done.code == 0) == (prose is not None), str(done)
        return prose or {"sentences": [], "removed": []}


def judged(stage: Stage, answers: Sequence[Said], *, show: bool) -> Tally:
    """Ask with each of the answers."""
    tally = Tally()
    for said in answers:
        prose = stage.ask(said)
        kept = [(row["text"], row["kind"]) for row in prose["sentences"]]
        tally.answers += 1
        tally.shown += len(kept)
        tally.unsupported += len([row for row in kept if row not in said.holds])
        tally.lost += len([row for row in said.holds if row not in kept])
        tally.reasons.update(row["why"] for row in prose["removed"])
        if show or sorted(kept) != sorted(said.holds):
            print(f"{said.name}: {kept}", flush=True)
    return tally


def main(arguments: list[str]) -> int:
    """Print the totals; 1 where a claim does not hold."""
    with TemporaryDirectory() as folder, sealed(Path(folder)), serving() as server:
        repo = Repo.create(Path(folder) / "repo")
        repo.commit("first", {"hello.txt": "hello\n"})
        oids = ground(repo)
        repo.git("config", "--global", "tiny.modelHost", server.url)
        repo.git("config", "--global", "tiny.model", "coder:7b")
        stage = Stage(repo, server, oids)
        hostile = judged(stage, HOSTILE, show="--show" in arguments)
        honest = judged(stage, HONEST, show="--show" in arguments)
    for why, count in hostile.reasons.most_common():
        print(f"{count:4} removed: {why}")
    good = hostile.answers >= LEAST and not hostile.unsupported and not hostile.lost
    print(
        f"{'holds ' if good else 'MISSED'} | of {LEAST} hostile answers or more no unsupported sentence survives | "
        f"{hostile.unsupported} of {hostile.shown + sum(hostile.reasons.values())} sentences | "
        f"{hostile.answers} answers"
    )
    kept = not honest.unsupported and not honest.lost
    print(
        f"{'holds ' if kept else 'MISSED'} | of honest answers nothing is lost | {honest.lost} of {honest.answers} lost"
    )
    return int(not (good and kept))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
