"""The conversation of ``git tiny chat``: questions go to the model, lines that begin with / are commands.

A command is a verb of git tiny in a process of its own, under this session's mode. Raising the mode is asked of the
person, and never goes above the ceiling of the clone.
"""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from tinycode_git.commands.chatstore import Conversation, begin, load, names, save
from tinycode_git.dialogue import Message
from tinycode_git.errors import TinyError, UsageError
from tinycode_git.git.read import ReadRepo
from tinycode_git.ledger import Ledger, Operation
from tinycode_git.modes import MEANING, Ceiling, Mode, parse
from tinycode_git.render.escape import visible, visible_block
from tinycode_git.verbs import VERBS

# What needs more than looking; everything else runs in any mode and says itself what it may not.
NEEDS = {
    **dict.fromkeys(("propose", "fix", "refactor", "reject", "restack", "fetch", "replay"), Mode.PROPOSE),
    **dict.fromkeys(("apply", "rollback", "redo", "recover"), Mode.EXECUTE),
}
OWN = {
    "/help": "what can be typed",
    "/mode": "show or change what this session may do",
    "/search": "find a text in the files at HEAD",
    "/undo": "take the newest applied plan back",
    "/sessions": "list earlier conversations",
    "/resume": "go on with an earlier conversation",
    "/new": "begin a new conversation",
    "/exit": "leave",
}
_REMEMBERED = 6
_HITS = 40


@dataclass
class Chat:
    """One session. ``mode`` is what it may do, at most ``held``; ``interactive``: a person is there to be asked."""

    repo: ReadRepo
    held: Ceiling
    mode: Mode
    model: str
    interactive: bool
    branch: str
    conversation: Conversation = field(default_factory=begin)
    _open: ExitStack = field(default_factory=ExitStack)
    _talk: object = None

    @property
    def folder(self) -> Path:
        """Where conversations are kept."""
        return self.repo.place.tiny_dir / "chats"

    @cached_property
    def ledger(self) -> Ledger | None:
        """The audit; opened at the first question, not before the prompt is there."""
        from tinycode_git.commands.talking import reading_ledger

        return reading_ledger(self.repo)

    def prompt(self) -> str:
        """The mode and the branch, so that both are seen before anything is typed."""
        return f"{self.mode.word} {self.branch}> "

    def run(self, lines: Iterator[str]) -> int:
        """Take lines until they end; the worst exit code where nobody is there to read it, else 0."""
        worst = 0
        with self._open:
            for line in lines:
                text = line.strip()
                if not text:
                    continue
                if text in ("/exit", "/quit", "exit", "quit"):
                    break
                worst = max(worst, self._one(text))
        return 0 if self.interactive else worst

    def _one(self, text: str) -> int:
        """One line; what goes wrong is said, and the session goes on."""
        try:
            return self._command(text) if text.startswith("/") else self._question(text)
        except TinyError as error:
            sys.stderr.write(
                f"error: {visible(error.message)}\n" + (f"hint: {visible(error.hint)}\n" if error.hint else "")
            )
            return int(error.exit)
        except KeyboardInterrupt:
            sys.stderr.write("\ninterrupted\n")
            return 130

    def _question(self, text: str) -> int:
        from tinycode_git.commands.answerview import places
        from tinycode_git.commands.asking import answer
        from tinycode_git.commands.talking import Talking

        talk = self._talking()
        assert isinstance(talk, Talking)
        earlier = self._earlier(talk.session.count, talk.session.room // 4)
        streamed: list[str] = []

        def piece(part: str) -> None:
            streamed.append(part)
            sys.stdout.write(visible_block(part))
            sys.stdout.flush()

        done = answer(self.repo, talk, self.repo.resolve("HEAD"), text, (), piece, earlier)
        if not streamed:
            sys.stdout.write(visible_block(done.answer))
        sys.stdout.write("\n" + places(done))
        self.conversation.turns += [Message("user", text), Message("assistant", done.answer)]
        save(self.folder, self.conversation)
        return 0

    def _talking(self) -> object:
        if self._talk is None:
            from tinycode_git.commands.talking import talking

            self._talk = self._open.enter_context(talking(self.repo, self.ledger, "a question", self.model))
        return self._talk

    def _earlier(self, count: object, room: int) -> list[Message]:
        """The last turns that fit, in pairs."""
        assert callable(count)
        turns = self.conversation.turns[-_REMEMBERED:]
        while turns and sum(count(turn.content) for turn in turns) > room:
            turns = turns[2:]
        return turns

    def _command(self, text: str) -> int:
        try:
            word, *rest = shlex.split(text)
        except ValueError as error:
            raise UsageError(f"the line cannot be read: {error}", "close its quotes") from error
        own = {
            "/help": self._help,
            "/mode": self._mode,
            "/search": self._search,
            "/sessions": self._sessions,
            "/resume": self._resume,
            "/new": self._new,
        }.get(word)
        if own is not None:
            return own(rest)
        verb = "rollback" if word == "/undo" else word[1:]
        if verb not in VERBS or verb == "chat":
            raise UsageError(f"there is no {word} here", "/help lists what there is")
        # A task needs no quotes here: what follows is one sentence, unless an option says otherwise.
        if verb in ("propose", "ask") and rest and not any(part.startswith("-") for part in rest):
            rest = [" ".join(rest)]
        return self._verb(verb, rest)

    def _verb(self, verb: str, args: Sequence[str]) -> int:
        """Run a verb as a process under this session's mode; what it asks it asks on this terminal."""
        needed = NEEDS.get(verb, Mode.CHAT)
        if self.mode < needed:
            self._raise(needed, f"{verb} needs mode {needed.word}")
        sys.stdout.flush()
        command = [sys.executable, "-P", "-m", "tinycode_git", verb, *args]
        env = {**os.environ, "TINY_MODE": self.mode.word}
        with subprocess.Popen(command, env=env) as child:
            while True:
                try:
                    return child.wait()
                except KeyboardInterrupt:
                    # The terminal gives Ctrl-C to both; the verb keeps what it had finished, and is waited for.
                    if not self.interactive:
                        child.send_signal(signal.SIGINT)

    def _mode(self, rest: Sequence[str]) -> int:
        if rest:
            wanted = parse(rest[0], "MODE")
            if wanted > self.mode:
                self._raise(wanted, f"this session is in mode {self.mode.word}")
            else:
                self.mode = wanted
        sys.stdout.write(f"{self.mode.word}: {MEANING[self.mode]}\n")
        return 0

    def _raise(self, wanted: Mode, why: str) -> None:
        """Raise this session's mode once a person says so. Raises Refused above the ceiling, or where none is there."""
        from tinycode_git.modes import not_raised, require
        from tinycode_git.render.prompt import confirm

        require(self.held, wanted, f"mode {wanted.word}")
        question = f"{why}. Raise it to {wanted.word} ({MEANING[wanted]})?"
        if not confirm(question, hint=f"begin in it: git tiny chat --mode {wanted.word}"):
            raise not_raised(self.mode, wanted)
        if self.ledger is not None:
            details = {"from": self.mode.word, "to": wanted.word, "session": self.conversation.id}
            self.ledger.note(Operation("mode", risk="high", details=details))
        self.mode = wanted

    def _search(self, rest: Sequence[str]) -> int:
        if not rest:
            raise UsageError("/search takes a text", "/search retry_after")
        text = " ".join(rest)
        done = self.repo.git.quiet("grep", "-n", "-I", "-F", "-i", "--no-color", "-e", text, "HEAD", "--", ok=(0, 1))
        lines = done.out.decode("utf-8", "replace").splitlines()
        for line in lines[:_HITS]:
            sys.stdout.write(visible(line.removeprefix("HEAD:")) + "\n")
        more = f"and {len(lines) - _HITS} more\n" if len(lines) > _HITS else ""
        sys.stdout.write(more if lines else f"nothing at HEAD holds {visible(text)}\n")
        return 0

    def _sessions(self, rest: Sequence[str]) -> int:
        self.list_sessions()
        return 0

    def list_sessions(self) -> None:
        """Print earlier conversations, newest first."""
        for name in names(self.folder):
            sys.stdout.write(f"{name}  {visible(load(self.folder, name).title[:80])}\n")

    def _resume(self, rest: Sequence[str]) -> int:
        self.conversation = load(self.folder, rest[0] if rest else "")
        sys.stdout.write(f"{self.conversation.id}: {visible(self.conversation.title[:80])}\n")
        return 0

    def _new(self, rest: Sequence[str]) -> int:
        self.conversation = begin()
        return 0

    def _help(self, rest: Sequence[str]) -> int:
        rows = {**OWN, **{f"/{name}": verb.summary for name, verb in VERBS.items() if name != "chat"}}
        sys.stdout.write("a question is answered by the model; what begins with / is a command:\n")
        sys.stdout.write("".join(f"  {name:16} {what}\n" for name, what in rows.items()))
        return 0

    def offered(self, before: Sequence[str], current: str) -> Iterable[tuple[str, str]]:
        """What completion has: commands, then a verb's own, plans, refs and paths; in a question paths."""
        if not before:
            if current.startswith("/"):
                known = {**OWN, **{f"/{name}": verb.summary for name, verb in VERBS.items()}}
                return [(name, what) for name, what in known.items() if name.startswith(current)]
            return self._paths(current)
        if not before[0].startswith("/") or before[0][1:] not in VERBS:
            modes = [(mode.word, MEANING[mode]) for mode in Mode if mode.word.startswith(current)]
            return modes if before[0] == "/mode" else self._paths(current)
        from tinycode_git.commands.completing import FILES, FOLDERS, candidates

        try:
            found = candidates([before[0][1:], *before[1:]], current)
        except TinyError:
            return []
        rows = [(one.value, one.summary) for one in found if one.value not in (FILES, FOLDERS)]
        return rows if len(rows) == len(found) else [*rows, *self._paths(current)]

    def _paths(self, current: str) -> list[tuple[str, str]]:
        if len(current) < 2:
            return []
        begun = f":(top,glob){_globbed(current)}*"
        out = self.repo.git.quiet("ls-files", "-z", "--", begun, f"{begun}/**")
        paths = out.out.decode("utf-8", "replace").split("\0")
        return [(path, "") for path in paths if path.isprintable() and path][:50]


def _globbed(text: str) -> str:
    return "".join(f"[{char}]" if char in "*?[" else char for char in text.replace("\\", ""))
