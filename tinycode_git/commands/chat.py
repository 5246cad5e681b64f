"""``git tiny chat``: a conversation about the repository, with every other verb at hand."""

from __future__ import annotations

from typing import Annotated

import typer

from tinycode_git.commands.app import new_app

app = new_app()


@app.command()
def chat(
    resume: Annotated[
        str, typer.Option("--resume", metavar="SESSION", help="Go on with a session; 'last' is the newest.")
    ] = "",
    list_: Annotated[bool, typer.Option("--list", help="List earlier sessions.")] = False,
    mode: Annotated[
        str, typer.Option("--mode", metavar="MODE", help="What the session may do: chat, propose or execute.")
    ] = "chat",
    model: Annotated[str, typer.Option("--model", metavar="MODEL", help="Another model than tiny.model.")] = "",
) -> None:
    """Talk about the repository: questions are answered by the model, lines that begin with / are commands.

    /propose TASK, /apply, /undo, /search TEXT, /mode NAME and every verb by its name; /help lists them. The session
    begins in mode chat, which only reads; raising the mode is asked, and never goes above git tiny mode. Sessions are
    kept in the clone. Off a terminal the lines come from standard input.

    Examples:

    \b
      git tiny chat
      git tiny chat --resume last
      echo "what does main do?" | git tiny chat

    Exit codes:

    \b
      0  left
      1  off a terminal: the worst of the lines' exit codes
      2  no such session or mode
      4  off a terminal: no model is set up
    """
    import os
    import sys

    from tinycode_git import config, modes
    from tinycode_git.commands.chatstore import load
    from tinycode_git.commands.chatting import Chat
    from tinycode_git.commands.opening import preload, reading
    from tinycode_git.render.prompt import at_terminal

    wanted = modes.parse(mode, "--mode")
    interactive = at_terminal()
    if interactive:
        preload("prompt_toolkit")
    repo = reading()
    held = modes.ceiling(os.environ, config.read(repo.git).mode)
    modes.require(held, wanted, f"mode {wanted.word}")
    branch = (repo.head_branch() or "HEAD").removeprefix("refs/heads/")
    session = Chat(repo, held, wanted, model, interactive, branch)
    if list_:
        session.list_sessions()
        return
    if resume:
        session.conversation = load(session.folder, "" if resume == "last" else resume)
    from tinycode_git.commands.chatline import piped, typed

    if interactive:
        import platformdirs

        history = platformdirs.user_state_path("tinycode-git") / "chat-history"
        lines = typed(session.prompt, session.offered, history)
    else:
        lines = piped(session.prompt)
    code = session.run(lines)
    sys.stdout.flush()
    raise typer.Exit(code)
