"""``git tiny propose``: a task becomes a plan."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from tinycode_git.commands.app import new_app
from tinycode_git.commands.modelled import Modelled, is_recipe, no_model, plan_by_model
from tinycode_git.commands.modeltell import tell
from tinycode_git.commands.opening import committed, from_top, planning, preload
from tinycode_git.commands.validating import validator
from tinycode_git.errors import Incomplete, Refused, UsageError
from tinycode_git.git.write import PlanRepo
from tinycode_git.ledger import Ledger
from tinycode_git.plan.propose import Target, check_task, target_of
from tinycode_git.plan.propose import propose as make_plan
from tinycode_git.plan.record import State
from tinycode_git.proposal import Proposal
from tinycode_git.render.progress import progress

app = new_app()

_PASS_ON = {"ignore_unknown_options": True, "help_option_names": ["-h", "--help"], "max_content_width": 100}
_VALIDATING = ("tinycode_git.safety.flow", "tinycode_git.audit.ledger")
_MAX_INPUT = 256 * 1024 * 1024


@app.command(context_settings=_PASS_ON)
def propose(
    given_as: typer.Context,
    words: Annotated[
        list[str] | None,
        typer.Argument(metavar="[TASK]", help="What to change, in a sentence; after --recipe its arguments."),
    ] = None,
    recipe: Annotated[str, typer.Option("--recipe", metavar="RECIPE", help="A built-in recipe; see below.")] = "",
    patch: Annotated[
        str, typer.Option("--patch", metavar="FILE", help="A unified diff or git format-patch series; - for stdin.")
    ] = "",
    reply: Annotated[
        str, typer.Option("--reply", metavar="FILE", help="An assistant's answer, pasted; - for stdin.")
    ] = "",
    plan_file: Annotated[
        str, typer.Option("--plan", metavar="FILE", help="Plan JSON of another program; - for stdin.")
    ] = "",
    from_worktree: Annotated[
        bool, typer.Option("--from-worktree", help="The uncommitted work (on PATHs where given).")
    ] = False,
    step: Annotated[
        list[str] | None, typer.Option("--step", metavar="TITLE:GLOB", help="With --from-worktree: a step of its own.")
    ] = None,
    from_range: Annotated[str, typer.Option("--from-range", metavar="REF", help="Existing commits, as A..B.")] = "",
    agent: Annotated[
        str, typer.Option("--agent", metavar="CMD", help="A program that makes the changes; {task} is filled in.")
    ] = "",
    model: Annotated[
        str, typer.Option("--model", metavar="MODEL", help="The model for a sentence (default: tiny.model).")
    ] = "",
    context: Annotated[
        list[str] | None, typer.Option("--context", metavar="PATH", help="A file or folder that the model must see.")
    ] = None,
    max_steps: Annotated[
        int, typer.Option("--max-steps", metavar="N", min=1, max=20, help="The most steps that a model may plan.")
    ] = 8,
    edit_format: Annotated[
        str, typer.Option("--edit-format", metavar="FORMAT", help="How a model edits: auto, whole or blocks.")
    ] = "auto",
    samples: Annotated[
        int, typer.Option("--samples", metavar="K", min=1, max=16, help="Make K candidates, open the best one.")
    ] = 1,
    show_context: Annotated[
        bool, typer.Option("--show-context", help="Only say what a model would get to see, and why.")
    ] = False,
    go_on: Annotated[
        bool, typer.Option("--continue", help="Go on from the draft PLAN that was left unfinished (in place of TASK).")
    ] = False,
    target: Annotated[
        str, typer.Option("--target", metavar="REF", help="The branch to merge into (default: the one checked out).")
    ] = "",
    json: Annotated[bool, typer.Option("--json", help="Print the plan as one JSON object.")] = False,
) -> None:
    """Turn a task into a plan: a branch of commits to review, apply or reject.

    Nothing of yours is touched: not the working tree, the index, HEAD or any branch. The plan is on a branch of its own
    (git tiny show tells which), and nothing else happens until git tiny apply.

    The task is a sentence that a recipe understands, or one of the options says where the changes come from. Recipes:

    \b
      rename OLD NEW [PATH..]            an identifier, in code (--strings: in strings and comments too)
      rewrite PATTERN NEW --lang L       structural search and replace, $NAME stands for any expression
      replace OLD NEW [--regex] [PATH..] text
      lint-fix [RULES..]                 ruff's safe fixes, one step a rule
      format [PATH..]                    ruff format, with the project's own settings

    Examples:

    \b
      git tiny propose "rename get_cwd to current_dir"
      git tiny propose --recipe replace colour color docs/
      git tiny propose --recipe rewrite 'print($A)' 'log($A)' --lang python
      git format-patch -3 --stdout topic | git tiny propose --patch -
      git tiny propose --reply answer.md --target main
      git tiny propose --agent 'my-agent --prompt {task}' "add a changelog entry"
      git tiny propose --from-worktree --step 'docs:docs/*'

    Exit codes:

    \b
      0  the plan is open
      1  refused: the input does not fit the repository, or would change nothing
      2  the call or the input is malformed
      4  the task needs a model and none is set up
    """
    sources = {
        "--recipe": recipe,
        "--patch": patch,
        "--reply": reply,
        "--plan": plan_file,
        "--from-range": from_range,
        "--from-worktree": "yes" if from_worktree else "",
        "--agent": agent,
    }
    chosen = [name for name, value in sources.items() if value]
    _check_empty(given_as, sources)
    if len(chosen) > 1:
        raise UsageError(f"{' and '.join(chosen)} cannot be combined", "a plan comes from one place")
    given = words or []
    wanted = Modelled(model, tuple(context or ()), max_steps, edit_format, samples, show_context, go_on)
    if chosen and wanted.asked_for:
        raise UsageError(
            f"{chosen[0]} needs no model", "--model, --context, --samples and --continue go with a sentence"
        )
    if not go_on:
        _check_words(given, chosen[0] if chosen else "", bool(step))
    # A sentence may be for a model, which is to be talked to first: what validates is needed only after it.
    preload("pygit2", *(_VALIDATING if chosen else ()))
    repo, ledger = planning("propose")
    goal = target_of(repo, target or None)
    if agent:
        _agent(repo, ledger, goal, agent, " ".join(given), json)
        return
    if not chosen and (wanted.asked_for or not is_recipe(repo, goal, " ".join(given))):
        named = replace(wanted, context=committed(repo, wanted.context, goal.base))
        made = plan_by_model(repo, ledger, goal, " ".join(given), named)
        if made is not None:
            tell(made.plan, json)
            made.tell_end()
        return
    preload(*_VALIDATING)
    with progress("proposing", delay=0.5):
        if recipe:
            proposal = _recipe(repo, goal, recipe, given)
        elif patch or reply or plan_file:
            proposal = _from_input(repo, goal, patch, reply, plan_file, " ".join(given))
        elif from_range:
            goal, proposal = _range(repo, goal, from_range)
        elif from_worktree:
            goal, proposal = _worktree(repo, goal, given, step or [])
        else:
            proposal = _sentence(repo, goal, " ".join(given))
        plan = make_plan(repo, ledger, proposal, goal, validate=validator(ledger))
    tell(plan, json)


def _check_empty(given_as: typer.Context, sources: Mapping[str, str]) -> None:
    """Refuse a source that was named with nothing after it (a shell variable that is not set)."""
    for name, value in sources.items():
        given = given_as.get_parameter_source("plan_file" if name == "--plan" else name[2:].replace("-", "_"))
        if not value.strip() and given is not None and given.name == "COMMANDLINE" and name != "--from-worktree":
            raise UsageError(f"{name} is empty", "see git tiny propose --help")


def _agent(repo: PlanRepo, ledger: Ledger, goal: Target, command: str, task: str, json: bool) -> None:
    from tinycode_git.commands.agents import run

    done, changed = run(repo, goal.base, command, task)
    bad = done.failed or changed is not None
    if not done.proposal.steps:
        if changed is not None:
            raise changed
        hint = "see what it printed, above" if done.printed.strip() else "it printed nothing"
        raise Refused(f"the agent {done.ending} and changed nothing", hint)
    state = State.DRAFT if bad else State.OPEN
    plan = make_plan(
        repo,
        ledger,
        done.proposal,
        goal,
        validate=validator(ledger),
        state=state,
        attached={"agent-output": done.printed},
    )
    tell(plan, json)
    if changed is not None:
        raise changed
    if done.interrupted:
        raise KeyboardInterrupt
    if bad:
        raise Refused(f"the agent {done.ending}", f"what it had done is kept as the draft plan {plan.id}")


def _check_words(words: list[str], source: str, stepped: bool) -> None:
    """Options that nobody knows arrive among the words, for a recipe's own come that way."""
    unknown = [word for word in words if word.startswith("-") and len(word) > 1 and source != "--recipe"]
    if unknown:
        raise UsageError(f"no such option: {unknown[0]}", "see git tiny propose --help")
    if stepped and source != "--from-worktree":
        raise UsageError("--step goes with --from-worktree", "see git tiny propose --help")
    if source == "--from-range" and words:
        raise UsageError(f"{source} takes no further words: {words[0]}", "see git tiny propose --help")
    if source in ("", "--agent"):
        check_task(" ".join(words))


def _recipe(repo: PlanRepo, goal: Target, name: str, args: list[str]) -> Proposal:
    from tinycode_git.planners.recipes.registry import find

    return find(name).plan(repo.snapshot(goal.base), args, repo.place.prefix)


def _from_input(repo: PlanRepo, goal: Target, patch: str, reply: str, plan_file: str, task: str) -> Proposal:
    data = _read(patch or reply or plan_file)
    snapshot = repo.snapshot(goal.base)
    if patch:
        from tinycode_git.planners.patch import plan_patch

        return plan_patch(snapshot, data, task=task)
    if reply:
        from tinycode_git.planners.reply import plan_reply

        return plan_reply(snapshot, data, task=task)
    from tinycode_git.planners.plan_file import plan_from_file

    return plan_from_file(snapshot, data)


def _range(repo: PlanRepo, goal: Target, text: str) -> tuple[Target, Proposal]:
    from tinycode_git.planners.commits import plan_range

    base, tip, proposal = plan_range(repo, text)
    short = goal.ref.removeprefix("refs/heads/")
    if repo.merge_base(goal.base, base) is None:
        raise Refused(f"{text} and {short} have no commit in common", "a plan merges into a branch that shares history")
    if repo.is_ancestor(tip, goal.base):
        raise Refused(f"{short} holds all of {text} already", "name the branch that lacks them: --target BRANCH")
    return Target(goal.ref, base), proposal


def _worktree(repo: PlanRepo, goal: Target, paths: list[str], steps: list[str]) -> tuple[Target, Proposal]:
    from tinycode_git.planners.uncommitted import plan_worktree

    base, proposal = plan_worktree(repo, [from_top(repo, path) for path in paths], steps)
    return Target(goal.ref, base), proposal


def _sentence(repo: PlanRepo, goal: Target, task: str) -> Proposal:
    from tinycode_git.planners.recipes.registry import find
    from tinycode_git.planners.sentence import understand

    snapshot = repo.snapshot(goal.base)
    call = understand(task, snapshot)
    if call is None:
        raise no_model(task)
    proposal = find(call.recipe).plan(snapshot, call.args)
    return replace(proposal, task=task)


def _read(name: str) -> bytes:
    """The content of a file the user named, or standard input. Raises Incomplete where it cannot be read."""
    try:
        if name == "-":
            data = sys.stdin.buffer.read(_MAX_INPUT + 1)
        else:
            with Path(name).open("rb") as stream:
                data = stream.read(_MAX_INPUT + 1)
    except OSError as error:
        raise Incomplete(f"{name} cannot be read: {error.strerror}", "name a file, or - for standard input") from error
    if len(data) > _MAX_INPUT:
        raise Refused(f"{name} is larger than {_MAX_INPUT // 1024**2} MiB", "a plan of that size cannot be reviewed")
    return data
