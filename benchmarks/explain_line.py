"""``explain PATH:LINE``: at most 1.5 times ``git blame -w -C -M`` and then ``git log -L`` of the same line."""

from __future__ import annotations

from frame import Contender, Report, in_turns, tiny
from history_ground import ground

PLACES = (("sequencer.c", 500), ("builtin/blame.c", 700), ("Makefile", 300), ("refs.c", 420))

report = Report()
repo = ground()
for path, line in PLACES:
    both = f"git blame -w -C -M -L {line},{line} -- {path} && git log -L {line},{line}:{path}"
    ours = Contender(f"git tiny explain {path}:{line}", [*tiny(), "explain", f"{path}:{line}", "--json"], repo)
    other = Contender("git blame, git log -L", ["sh", "-c", both], repo)
    in_turns(ours, other, rounds=2)
    report.ratio(f"explain {path}:{line}: at most 1.5 times git's two, in 80,000 commits", ours, other, most=1.5)
report.end()
