"""``git tiny model``: which models there are, which one is used, and whether it can do the job."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from tinycode_git import config, modes
from tinycode_git.commands.app import new_app
from tinycode_git.commands.modellist import found
from tinycode_git.commands.opening import planning, say
from tinycode_git.config import Settings
from tinycode_git.errors import Incomplete, UsageError
from tinycode_git.git.process import Git
from tinycode_git.git.read import NoRepository
from tinycode_git.ledger import Ledger, Operation
from tinycode_git.llm.choose import Named, host_of, named, open_model, read_name
from tinycode_git.render import console, jsonout
from tinycode_git.render.escape import visible
from tinycode_git.render.table import Column, table

app = new_app("Choose, fetch and test the language model for propose, ask, fix and the others that need one.")
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@app.command("list")
def list_(json: Json = False) -> None:
    """List the models that can be used: Ollama's, those that Ollama has pulled, those of an OpenAI-compatible server.

    Examples:

    \b
      git tiny model list

    Exit codes:

    \b
      0  done
      4  no place could be asked
    """
    settings = _settings()
    used = settings.text("tiny.model")
    current = str(read_name(used)) if used else ""
    models = found(settings, current)
    if json:
        jsonout.write(models)
    elif models.models:
        from tinycode_git.llm.memory import gigabytes

        columns = (Column(""), Column("model"), Column("size"), Column("parameters"), Column("where", shrinks=True))
        lines = [
            (
                "*" if row.used else "",
                visible(row.name),
                gigabytes(row.size) if row.size else "-",
                visible(f"{row.parameters} {row.quantization}".strip() or "-"),
                visible(row.source),
            )
            for row in models.models
        ]
        print(table(columns, lines, console.for_stdout()), end="")
    for line in models.missing:
        say(line)
    if not models.models:
        raise Incomplete(
            "no model was found", "start Ollama and git tiny model pull NAME, or git tiny model use gguf:FILE"
        )


@app.command()
def use(
    name: Annotated[str, typer.Argument(metavar="MODEL", help="ollama:NAME, gguf:FILE or openai:NAME.")],
    here: Annotated[
        bool, typer.Option("--here", help="For this clone only, not for all of your repositories.")
    ] = False,
    json: Json = False,
) -> None:
    """Use a model from now on: it is looked at, and written to your git configuration as tiny.model.

    It counts for all of your repositories, and can be said outside of one; with --here it counts in this clone only.

    Examples:

    \b
      git tiny model use qwen2.5-coder:7b
      git tiny model use gguf:~/models/coder.gguf
      git tiny model use openai:local --here

    Exit codes:

    \b
      0  done
      1  the model is not on this machine, and you have not allowed that
      4  there is no such model
    """
    model = read_name(name)
    if model.kind == "gguf":
        model = Named("gguf", str(Path(model.name).expanduser().resolve()))
    git, ledger = _changing(here)
    backend = open_model(config.read(git), str(model), "model use")
    try:
        card = backend.card()
    finally:
        backend.close()
    operation = Operation("config", "low", details={"tiny.model": str(model), "digest": card.digest})
    intent = ledger.intend(operation) if ledger is not None else None
    git.user("config", "--local" if here else "--global", "tiny.model", str(model))
    if ledger is not None and intent is not None:
        ledger.done(intent)
    if json:
        jsonout.write({"model": str(model), "digest": card.digest, "scope": "local" if here else "global"})
        return
    say(f"using {model}{'' if not here else ' in this clone'}; git tiny model test says what it can do")


def _changing(here: bool) -> tuple[Git, Ledger | None]:
    """git, and the audit of the clone; outside of a repository none. Raises Refused where the ceiling is lower."""
    try:
        repo, ledger = planning("model use")
    except NoRepository:
        if here:
            raise
        git = Git(Path.cwd(), {})
        modes.require(modes.ceiling(os.environ, config.read(git).mode), modes.Mode.PROPOSE, "model use")
        return git, None
    return repo.git, ledger


@app.command()
def show(
    name: Annotated[str, typer.Argument(metavar="[MODEL]", help="A model; without it the one in use.")] = "",
    json: Json = False,
) -> None:
    """Show what a model is: digest, size, context length, what it can do.

    Examples:

    \b
      git tiny model show

    Exit codes:

    \b
      0  done
      4  there is no such model, or none is set up
    """
    from tinycode_git.llm.memory import gigabytes

    settings = _settings()
    backend = open_model(settings, name, "model show")
    try:
        card = backend.card()
    finally:
        backend.close()
    model = named(settings, name, "model show")
    if json:
        jsonout.write({"model": str(model), **_facts(card)})
        return
    sys.stdout.write(f"{visible(str(model))}\n")
    facts = _facts(card)
    facts["size"] = gigabytes(card.size) if card.size else ""
    for key, value in facts.items():
        if key != "template" and value:
            shown = ", ".join(value) if isinstance(value, list) else value
            sys.stdout.write(f"  {key:13} {visible(str(shown))}\n")


def _facts(card: object) -> dict[str, object]:
    from tinycode_git.llm.backend import Card

    assert isinstance(card, Card)
    return {
        "digest": card.digest,
        "context": card.context,
        "size": card.size,
        "family": card.family,
        "parameters": card.parameters,
        "quantization": card.quantization,
        "abilities": sorted(card.abilities),
        "remote": card.remote,
    }


@app.command()
def pull(
    name: Annotated[str, typer.Argument(metavar="MODEL", help="The name of a model in Ollama's library.")],
) -> None:
    """Have Ollama fetch a model.

    Examples:

    \b
      git tiny model pull qwen2.5-coder:7b

    Exit codes:

    \b
      0  done
      1  it would not run on this machine, and you have not allowed that
      2  not a model of Ollama's
      4  no Ollama answers, or it cannot fetch the model
    """
    from tinycode_git.llm.hosts import check_cloud
    from tinycode_git.llm.ollama import Ollama
    from tinycode_git.render.progress import progress

    settings = _settings()
    model = read_name(name)
    if model.kind != "ollama":
        raise UsageError(f"{model} is not a model that Ollama can fetch", "git tiny model pull qwen2.5-coder:7b")
    check_cloud(model.name, "", settings)
    backend = Ollama(host_of(settings, "ollama"), model.name)
    with progress(f"fetching {model.name}", delay=0.0) as line:
        for status, done, total in backend.pull():
            line.total, line.done = total or None, done
            line.say(f"{model.name}: {status}")
    backend.close()
    say(f"{model.name} is there; git tiny model use {model.name}")


@app.command()
def test(
    name: Annotated[str, typer.Argument(metavar="[MODEL]", help="A model; without it the one in use.")] = "",
    json: Json = False,
) -> None:
    """Try out whether a model can do the job here: context, form of answers, edits, speed, memory.

    Examples:

    \b
      git tiny model test

    Exit codes:

    \b
      0  it can
      1  it cannot, or not everything
      4  there is no such model, or none is set up
    """
    from tinycode_git.commands.modeltest import run_test

    raise typer.Exit(run_test(name, json))


@app.command()
def bench(
    name: Annotated[str, typer.Argument(metavar="[MODEL]", help="A model; without it the one in use.")] = "",
    json: Json = False,
) -> None:
    """Measure a model: how long until it begins, how fast it reads and writes.

    Examples:

    \b
      git tiny model bench

    Exit codes:

    \b
      0  done
      4  there is no such model, or none is set up
    """
    from tinycode_git.commands.modeltest import run_bench

    run_bench(name, json)


def _settings() -> Settings:
    return config.read(Git(Path.cwd(), {}))
