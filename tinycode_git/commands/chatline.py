"""The line that is typed in ``git tiny chat``: prompt, history and completion, on prompt_toolkit.

Off a terminal lines are read from standard input as they are, so that a script can hold a conversation.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tinycode_git.render.escape import visible

if TYPE_CHECKING:
    from prompt_toolkit.completion import Completion
    from prompt_toolkit.document import Document
    from prompt_toolkit.history import History

Prompt = Callable[[], str]
Offered = Callable[[Sequence[str], str], Iterable[tuple[str, str]]]


def piped(prompt: Prompt) -> Iterator[str]:
    """The lines of standard input; the prompt is not printed."""
    for line in sys.stdin:
        yield line.rstrip("\n")


def typed(prompt: Prompt, offered: Offered, history: Path) -> Iterator[str]:
    """The lines that a person types. Ctrl-C clears the line, Ctrl-D ends."""
    from prompt_toolkit import PromptSession
    from prompt_toolkit.completion import Completer, Completion

    class Offering(Completer):
        """What ``offered`` has for the words before the cursor."""

        def get_completions(self, document: Document, event: object) -> Iterator[Completion]:
            """See prompt_toolkit."""
            *before, current = document.text_before_cursor.split(" ")
            for value, summary in offered(before, current):
                yield Completion(value, -len(current), display_meta=summary)

    session: PromptSession[str] = PromptSession(
        history=_history(history), completer=Offering(), complete_while_typing=False, enable_open_in_editor=True
    )
    while True:
        try:
            yield session.prompt(visible(prompt()))
        except KeyboardInterrupt:
            continue
        except EOFError:
            return


def _history(place: Path) -> History:
    """The history in a file of the user's alone; in memory where that cannot be written."""
    from prompt_toolkit.history import FileHistory, InMemoryHistory

    try:
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        place.touch(mode=0o600)
    except OSError:
        return InMemoryHistory()
    return FileHistory(str(place))
