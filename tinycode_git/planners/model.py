"""Plans from a language model, in two phases: first the plan as constrained JSON, then one file a call as plain text.

Small models are bad at planning and editing at once, and at code inside JSON. What fails goes back once with the exact
reason, then the other edit format is tried, then the step is left out and said so. The model proposes text; it is
``edits`` that applies it, the path guard that says where, and the validator that looks at the result.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tinycode_git.dialogue import Context, Talk
from tinycode_git.edits.lines import split_lines
from tinycode_git.errors import Incomplete, Refused, TinyError
from tinycode_git.planners.draft import title_of
from tinycode_git.planners.model_apart import apart
from tinycode_git.planners.model_ask import edit_question, listed, plan_parts
from tinycode_git.planners.model_edit import edit_of, formats, removal
from tinycode_git.planners.model_plan import BadAnswer, Planned, PlannedStep, ids_of, read_plan, schema_of
from tinycode_git.planners.model_text import problem_text
from tinycode_git.proposal import Change, Proposal, Snapshot, StepDraft

MOST_STEPS = 8
SMALL_ROOM = 2048
_PLAN_TOKENS = 1024
Judge = Callable[[StepDraft], str]
_Edited = tuple[tuple[Change, ...], Sequence[str]]


def _quiet(_: str) -> None:
    return


@dataclass(frozen=True, slots=True)
class Wish:
    """What is wanted of a model. ``problem`` is a failure to mend; ``judge`` says what blocks a step, or nothing.

    ``planned`` are steps of an earlier run that are still to be done: then nothing is planned anew.
    """

    task: str
    context: Context
    most: int = MOST_STEPS
    edit_format: str = "auto"
    problem: str = ""
    only: tuple[str, ...] = ()
    planned: tuple[PlannedStep, ...] = ()
    judge: Judge | None = None
    say: Callable[[str], object] = _quiet
    shown: Callable[[str], object] = _quiet


@dataclass(slots=True)
class Run:
    """What came of it: finished steps, notes, the steps that are still to be done and what ended the run early."""

    steps: list[StepDraft] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    waiting: tuple[PlannedStep, ...] = ()
    failure: TinyError | None = None
    interrupted: bool = False

    @property
    def whole(self) -> bool:
        """Whether it came to its end."""
        return self.failure is None and not self.interrupted

    def proposal(self, task: str) -> Proposal:
        """What is proposed of it."""
        return Proposal(task, "model", tuple(self.steps), notes=tuple(self.notes))


def run_model(talk: Talk, snapshot: Snapshot, wish: Wish) -> Run:
    """Plan and edit. Ctrl-C and a server that goes away end the run; the steps finished by then are kept.

    Raises Refused where no usable plan came, or no step of it; Incomplete where nothing was finished at all.
    """
    run = Run()
    most = 1 if talk.room <= SMALL_ROOM else wish.most
    if talk.room <= SMALL_ROOM:
        run.notes.append(f"the model has {talk.room} tokens in all: one step, and little context")
    run.notes += wish.context.left_out
    try:
        if wish.planned:
            run.waiting = wish.planned
        else:
            planned = _plan(talk, snapshot, wish, run, most)
            run.waiting = planned.steps
            run.notes += [f"dropped from the model's plan: {what}" for what in planned.dropped]
        _carry_out(talk, snapshot, wish, run)
    except KeyboardInterrupt:
        run.interrupted = True
        if not run.steps and not run.waiting:
            raise
    except Incomplete as failure:
        run.failure = failure
        if not run.steps:
            raise
    if run.whole and not run.steps:
        raise Refused(
            "no step of the model's plan could be carried out",
            "say the task more exactly, name the files with --context, or try another model",
            detail="\n".join(f"  {note}" for note in run.notes),
        )
    return run


def _plan(talk: Talk, snapshot: Snapshot, wish: Wish, run: Run, most: int) -> Planned:
    """The first phase: at most three questions."""
    paths = listed(talk, wish.context.paths)
    ids = ids_of(paths)
    if len(paths) < len(wish.context.paths):
        run.notes.append(f"{len(wish.context.paths) - len(paths)} files could not be offered to the model")
    answer_tokens = min(_PLAN_TOKENS, talk.room // 4)
    problem = wish.problem
    why = ""
    for again in range(3):
        wish.say("planning" if not again else f"planning again: {why}")
        parts = plan_parts(talk, wish.task, wish.context, ids, most, answer_tokens, problem)
        answer = talk.ask("plan", parts, most=answer_tokens, schema=schema_of(ids, most), shown=wish.shown, again=again)
        try:
            if answer.cut:
                raise BadAnswer(f"it was cut after {answer_tokens} tokens: use fewer steps and shorter texts")
            planned = _within(read_plan(unwrapped(answer.text), snapshot, ids, most), wish.only)
        except BadAnswer as bad:
            why = str(bad)
            problem = problem_text(wish.problem, f"Your last answer could not be used: {why}")
            continue
        for step in planned.steps:
            wish.say(f"planned: {step.title}")
        return planned
    raise Refused(
        f"the model's plan could not be used: {why}", "git tiny model test says whether this model can make plans"
    )


def _within(planned: Planned, only: Sequence[str]) -> Planned:
    """The steps without paths beyond ``only``, where that is given."""
    if not only:
        return planned
    steps, dropped = [], list(planned.dropped)
    for step in planned.steps:
        inside = [path for path in step.paths if any(path == one or path.startswith(f"{one}/") for one in only)]
        dropped += [f"{path}, which is beyond the paths that were named" for path in step.paths if path not in inside]
        if inside:
            kept = [
                tuple(path for path in paths if path in inside) for paths in (step.change, step.create, step.delete)
            ]
            steps.append(PlannedStep(step.title, step.intent, *kept))
    if not steps:
        raise BadAnswer("every step of the answer is beyond the paths that were named")
    return Planned(tuple(steps), tuple(dropped))


def unwrapped(text: str) -> str:
    """The arguments of a tool call that a model printed in place of the plan, as the plan that they are."""
    import json

    from tinycode_git.edits.toolcall import tool_call

    found = tool_call(text)
    if found is None:
        return text
    name, arguments = found
    if isinstance(arguments, dict) and "steps" in arguments:
        return json.dumps(arguments)
    raise BadAnswer(f"it calls a tool ({name}); there are no tools here")


def _carry_out(talk: Talk, snapshot: Snapshot, wish: Wish, run: Run) -> None:
    """The second phase, a step at a time; ``run.waiting`` holds what is still to be done."""
    total = len(run.waiting)
    while run.waiting:
        step = run.waiting[0]
        wish.say(f"step {total - len(run.waiting) + 1} of {total}: {step.title}")
        draft = _step(talk, snapshot, wish, run, step)
        run.waiting = run.waiting[1:]
        if draft is not None:
            run.steps.append(draft)
            snapshot = snapshot.after(draft.changes)


def _step(talk: Talk, snapshot: Snapshot, wish: Wish, run: Run, step: PlannedStep) -> StepDraft | None:
    """One step, once more where the validator blocks it; None where it is left out, which a note says."""
    problem = wish.problem
    for attempt in range(2):
        try:
            changes, dropped = _changes(talk, snapshot, wish, run, step, problem)
        except (BadAnswer, Refused) as bad:
            message = bad.message if isinstance(bad, TinyError) else str(bad)
            run.notes.append(f"left out: {step.title} ({_first_line(message)})")
            return None
        draft = StepDraft(title_of(step.title), changes, _body(step), assisted_by=talk.model)
        found = wish.judge(draft) if wish.judge is not None else ""
        if not found:
            run.notes += [f"dropped from the answer for {step.title}: {what}" for what in dropped]
            return draft
        if attempt:
            run.notes.append(f"left out: {step.title} (the validator blocks it: {_first_line(found)})")
            return None
        wish.say(f"the validator blocks it: {_first_line(found)}")
        blocked = f"A safety check refuses your last answer for this step:\n{found}\nDo the step without that."
        problem = problem_text(wish.problem, blocked)
    return None


def _body(step: PlannedStep) -> str:
    return step.intent if step.intent and step.intent != step.title else ""


def _first_line(text: str) -> str:
    return text.strip().split("\n", 1)[0][:200]


def _changes(
    talk: Talk, snapshot: Snapshot, wish: Wish, run: Run, step: PlannedStep, problem: str
) -> tuple[tuple[Change, ...], list[str]]:
    changes: list[Change] = []
    dropped: list[str] = []
    earlier = [change for done in run.steps for change in done.changes]
    for paths in apart(snapshot, step.change, step.create):
        now, before = snapshot.after(changes), [*earlier, *changes]

        def edited(path: str, now: Snapshot = now, before: Sequence[Change] = before) -> Callable[[Talk], _Edited]:
            return lambda own: _file(own, now, wish, step, path, before, problem)

        for made, left in talk.together([edited(path) for path in paths]):
            changes += made
            dropped += left
    for path in step.delete:
        changes += removal(snapshot, path)
    return tuple(changes), dropped


def _file(
    talk: Talk,
    snapshot: Snapshot,
    wish: Wish,
    step: PlannedStep,
    path: str,
    before: Sequence[Change],
    problem: str,
) -> _Edited:
    """One file: at most three questions, the last one in the other format. Raises BadAnswer with the last reason."""
    content = snapshot.read(path)
    text, first, other = _asked_as(path, content, wish.edit_format)
    why = ""
    for again, wanted in enumerate((first, first, other)):
        told = problem_text(problem, f"Your last answer could not be used: {why}" if why else "")
        question = edit_question(talk, wish.task, wish.context, step, path, text, wanted, told, before)
        if question is None:
            why = why or f"{path} does not fit into the model's {talk.room} tokens"
            continue
        name, parts, most = question
        wish.say(f"{path}: {'again: ' + _first_line(why) if why else 'editing'}")
        answer = talk.ask(name, parts, most=most, shown=wish.shown, again=again)
        try:
            if answer.cut:
                raise BadAnswer(f"it was cut after {most} tokens")
            _no_tool_call(answer.text)
            edited = edit_of(snapshot, path, answer.text)
        except BadAnswer as bad:
            why = str(bad)
            continue
        return edited.changes, edited.dropped
    raise BadAnswer(f"{path}: {why}")


def _asked_as(path: str, content: bytes | None, wanted: str) -> tuple[str, str, str]:
    """A file as text, the format to ask for and the one after it. Raises BadAnswer for what is no text."""
    if content is None:
        return "", "whole", "whole"
    if b"\0" in content[:8000]:
        raise BadAnswer(f"{path} is a binary file")
    try:
        return content.decode("utf-8"), *formats(len(split_lines(content)), wanted)
    except UnicodeDecodeError:
        # Given back as a whole, the bytes that are not UTF-8 would be lost; blocks leave other lines alone.
        return content.decode("utf-8", "replace"), "blocks", "blocks"


def _no_tool_call(text: str) -> None:
    from tinycode_git.edits.toolcall import tool_call

    found = tool_call(text)
    if found is not None:
        raise BadAnswer(f"it calls a tool ({found[0]}); there are no tools here, only text")
