"""The scripts that git finds in a hooks folder: POSIX shell, one text for every hook."""

from __future__ import annotations

MARK = "# installed by git tiny; git tiny uninstall takes it away"
# Where a hook that was there before is kept: beside ours, found by name.
KEPT = ".before-git-tiny"
# Hooks that git feeds on standard input: both programs get all of it.
FED = frozenset(("pre-push", "pre-receive"))
# Hooks that refuse nothing (most come too late to): a missing git tiny is said, and does not fail them.
LATE = frozenset(("prepare-commit-msg", "post-commit", "post-merge", "post-checkout"))


def quoted(text: str) -> str:
    """``text`` as one word of a shell."""
    return "'" + text.replace("'", "'\\''") + "'"


def script(hook: str, program: str, *, everywhere: bool) -> str:
    """The text of a hook. ``program`` is the path of ``git-tiny-hook``; ``everywhere``: it serves all repositories, so
    that a hook of the repository's own, which git then no longer runs, is run as well.
    """
    parts = [
        "#!/bin/sh",
        MARK,
        f"program={quoted(program)}",
        f'kept="$0{KEPT}"',
        _OWN if everywhere else "",
        (_FED if hook in FED else _PLAIN).replace("NAME", hook),
        _LATE if hook in LATE else _CLOSED,
    ]
    return "\n".join(part for part in parts if part) + "\n"


_OWN = """\
if [ ! -x "$kept" ]; then
    own="$(git rev-parse --git-common-dir)/hooks/${0##*/}"
    if [ -x "$own" ] && ! [ "$own" -ef "$0" ]; then kept="$own"; fi
fi"""

_PLAIN = """\
if [ -x "$kept" ]; then "$kept" "$@" || exit $?; fi
if [ -x "$program" ]; then "$program" NAME "$@"; code=$?; else code=127; fi"""

_FED = """\
input="$(mktemp)" || exit 1
trap 'rm -f "$input"' EXIT
cat > "$input"
if [ -x "$kept" ]; then "$kept" "$@" < "$input" || exit $?; fi
if [ -x "$program" ]; then "$program" NAME "$@" < "$input"; code=$?; else code=127; fi"""

_CLOSED = """\
if [ $code -eq 126 ] || [ $code -eq 127 ]; then
    echo "git tiny: the hook ${0##*/} is installed, but git tiny is not: $program" >&2
    echo "git tiny: install it again, or remove the hook: $0" >&2
    if [ "$(git config tiny.tier)" = permissive ]; then exit 0; fi
    exit 1
fi
exit $code"""

_LATE = """\
if [ $code -eq 126 ] || [ $code -eq 127 ]; then
    echo "git tiny: the hook ${0##*/} is installed, but git tiny is not: $program" >&2
    exit 0
fi
exit $code"""
