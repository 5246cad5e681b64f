"""The message of a commit from what is staged, by a model: for the verb and for the hook."""

from __future__ import annotations

from tinycode_git.commands.talking import Talking
from tinycode_git.errors import Refused
from tinycode_git.git.read import ReadRepo
from tinycode_git.planners.model_plan import BadAnswer
from tinycode_git.planners.model_words import commit_message

_MOST = 300
_RECENT = 8


def message_for_staged(repo: ReadRepo, talk: Talking) -> str:
    """The message. Raises Refused where nothing is staged, or the model gives none that can be used."""
    stat = repo.git.quiet("diff", "--cached", "--stat", "--no-color", "--no-ext-diff").out.decode("utf-8", "replace")
    if not stat.strip():
        raise Refused("nothing is staged", "git add what the commit is to hold")
    diff = repo.git.quiet("diff", "--cached", "--no-color", "--no-ext-diff", "--no-textconv", "-U2").out
    recent = _recent(repo)
    why = ""
    for again in range(2):
        parts = {"recent": recent, "diff": _fitted(talk, recent, stat, diff.decode("utf-8", "replace"))}
        answer = talk.session.ask("message", parts, most=_MOST, again=again)
        try:
            return commit_message(answer.text)
        except BadAnswer as bad:
            why = str(bad)
    raise Refused(f"the model gave no message: {why}", "write it yourself, or try another model")


def _recent(repo: ReadRepo) -> str:
    done = repo.git.quiet("log", f"--max-count={_RECENT}", "--no-merges", "--format=%s", ok=(0, 128))
    return done.text if done.code == 0 else ""


def _fitted(talk: Talking, recent: str, stat: str, diff: str) -> str:
    """The diff where it fits, else its summary and as much from each file as there is room for."""
    session = talk.session
    room = session.room - _MOST - session.frame("message") - session.count(recent) - session.count(stat)
    if len(diff) < room * 12 and session.count(diff) <= room:
        return diff
    files = [f"diff --git {part}" for part in diff.split("diff --git ")[1:]]
    share = max(200, room * 3 // max(1, len(files)))
    while True:
        text = stat + "\n" + "\n".join(_head(file, share) for file in files)
        if session.count(text) <= room or share < 40:
            return text if share >= 40 else stat[: room * 2]
        share = share * 2 // 3


def _head(file: str, most: int) -> str:
    return file if len(file) <= most else file[:most].rsplit("\n", 1)[0] + "\n[...]"
