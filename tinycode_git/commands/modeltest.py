"""``git tiny model test``: small jobs of the kind that plans are made of, and what came of them in plain words."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from typing import Any

from tinycode_git.commands.talking import Talking, Watched, talking
from tinycode_git.dialogue import Answer
from tinycode_git.errors import Incomplete, Refused, TinyError
from tinycode_git.llm.memory import available, gigabytes
from tinycode_git.planners.model_edit import edit_of
from tinycode_git.planners.model_plan import BadAnswer, ids_of, read_plan, schema_of
from tinycode_git.planners.model_text import data, fenced
from tinycode_git.proposal import MODE_FILE, MemorySnapshot
from tinycode_git.render import jsonout
from tinycode_git.render.escape import visible
from tinycode_git.render.progress import progress

_CODE = b"def area(width, height):\n    return width * height\n\n\ndef double(number):\n    return number * 2\n"
_FILES = MemorySnapshot({"shapes.py": (MODE_FILE, _CODE), "README.md": (MODE_FILE, b"# Shapes\n")})
_TASK = "add a function triple(number) to shapes.py that returns three times its argument"
_SLOW = 5.0


@dataclass(frozen=True, slots=True)
class Trial:
    """One thing that was tried: ``ok`` is None where it is only said."""

    name: str
    ok: bool | None
    message: str


def run_test(model: str, json: bool) -> int:
    """Try a model out; the exit code."""
    with (
        progress("trying the model", delay=0.0) as line,
        talking(None, None, "model test", model, remember=False) as it,
    ):
        watched = Watched(line)
        trials = [_context(it), _memory(it)]
        plan, answer = _plan(it, watched)
        trials.append(plan)
        if answer is not None:
            edit, last = _edit(it, watched)
            trials += [edit, _speed(last or answer)]
        name = f"{it.backend.kind}:{it.backend.card().name}"
    good = all(trial.ok is not False for trial in trials)
    if json:
        jsonout.write({"model": name, "ok": good, "trials": trials})
        return 0 if good else 1
    for trial in trials:
        mark = {True: "ok", False: "no", None: "  "}[trial.ok]
        sys.stdout.write(f"{mark:3} {trial.name}: {visible(trial.message)}\n")
    sys.stdout.write(f"{visible(name)} {'can' if good else 'cannot'} do the job here\n")
    return 0 if good else 1


def _context(it: Talking) -> Trial:
    offered, used = it.backend.card().context, it.session.context
    words = f"{used:,} tokens are used" + (f" of {offered:,} that it was made for" if offered else "")
    if used <= 2048:
        return Trial("context", None, f"{words}: one step at a time and little of the repository")
    return Trial("context", True, words)


def _memory(it: Talking) -> Trial:
    size, free = it.backend.card().size, available()
    if not size:
        return Trial("memory", None, f"its size is not known; {gigabytes(free)} are free")
    words = f"{gigabytes(size)} of weights, {gigabytes(free)} free"
    if size > free:
        return Trial("memory", None, f"{words}: it fits only where it is loaded already")
    return Trial("memory", True, words)


def _plan(it: Talking, watched: Watched) -> tuple[Trial, Answer | None]:
    ids = ids_of(list(_FILES.files))
    parts: dict[str, Any] = {
        "most": "2",
        "files": "\n".join(f"{name} {path}" for name, path in ids.items()),
        "outline": "shapes.py:\n    1 def area(width, height):\n    5 def double(number):",
        "pieces": "",
        "commits": "",
        "problem": "",
        "task": _TASK,
    }
    watched.say("asking for a plan")
    try:
        answer = it.session.ask("plan", parts, most=400, schema=schema_of(ids, 2), shown=watched.shown)
    except (Incomplete, Refused) as error:
        return Trial("plan", False, error.message), None
    try:
        if answer.cut:
            raise BadAnswer("it was cut after 400 tokens")
        planned = read_plan(answer.text, _FILES, ids, 2)
    except BadAnswer as bad:
        return Trial("plan", False, f"the form that is asked for is not kept: {bad}"), answer
    if not answer.text.lstrip().startswith("{"):
        return Trial("plan", None, "a plan came, but the server does not force its form"), answer
    right = any("shapes.py" in step.paths for step in planned.steps)
    return Trial("plan", right, "its form is kept" + ("" if right else ", but it names the wrong file")), answer


def _edit(it: Talking, watched: Watched) -> tuple[Trial, Answer | None]:
    parts = {
        "task": _TASK,
        "step": "Add triple",
        "path": "shapes.py",
        "file": fenced(_CODE.decode()),
        "pieces": "",
        "done": "",
        "problem": "",
    }
    watched.say("asking for an edit")
    try:
        answer = it.session.ask("whole", parts, most=400, shown=watched.shown)
        made = edit_of(_FILES, "shapes.py", answer.text)
    except BadAnswer as bad:
        return Trial("edit", False, f"no usable edit came: {bad}"), None
    except TinyError as error:
        return Trial("edit", False, error.message), None
    text = b"".join(getattr(change, "content", b"") for change in made.changes)
    if b"def triple" not in text or b"def double" not in text:
        return Trial("edit", False, "the edit does not do what was asked"), answer
    return Trial("edit", True, "a whole file comes back as asked"), answer


@dataclass(frozen=True, slots=True)
class Bench:
    """How fast a model is: seconds to the first token when loaded and when not, tokens a second."""

    model: str
    first_seconds: float
    again_seconds: float
    reads: float
    writes: float


def run_bench(model: str, json: bool) -> None:
    """Ask twice, the second time with a question of the same length and the model loaded, and print what it took."""
    with progress("measuring", delay=0.0) as line, talking(None, None, "model bench", model, remember=False) as it:
        watched = Watched(line)
        watched.say("loading and reading")
        first, _ = _timed(it, watched, "lines")
        watched.say("reading and writing")
        again, answer = _timed(it, watched, "words")
        name = f"{it.backend.kind}:{it.backend.card().name}"
    writing = max(answer.seconds - again, 1e-6)
    found = Bench(name, first, again, answer.read / again if answer.read else 0.0, answer.wrote / writing)
    if json:
        jsonout.write(found)
        return
    sys.stdout.write(f"{visible(name)}\n")
    sys.stdout.write(f"  first token after {first:.1f} s, {again:.1f} s once it is loaded\n")
    sys.stdout.write(f"  reads {found.reads:.0f} and writes {found.writes:.0f} tokens a second\n")


def _timed(it: Talking, watched: Watched, word: str) -> tuple[float, Answer]:
    """Seconds to the first token of an answer to a question of half the room, and the answer."""
    begun = time.monotonic()
    first: list[float] = []

    def shown(piece: str) -> None:
        first.append(time.monotonic() - begun)
        watched.shown(piece)

    lines = [f"{word} of number {n}\n" for n in range(it.session.room // 16)]
    while it.session.count("".join(lines)) > it.session.room // 2:  # a letter may be a token
        del lines[len(lines) * 3 // 4 :]
    text = "".join(lines)
    parts = {
        "outline": "",
        "pieces": data("notes.txt", text),
        "commits": "",
        "question": "Describe the notes at length.",
    }
    answer = it.session.ask("ask", parts, most=128, shown=shown)
    return (first or [answer.seconds])[0], answer


def _speed(answer: Answer) -> Trial:
    if not answer.wrote or not answer.seconds:
        return Trial("speed", None, "not measured")
    speed = answer.wrote / answer.seconds
    return Trial("speed", None if speed < _SLOW else True, f"{speed:.0f} tokens a second")
