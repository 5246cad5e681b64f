"""Files by name, whole, as a framework hands them over (``pre-commit run --all-files``)."""

from __future__ import annotations

from tinycode_git.safety.flow import session
from tinycode_git.safety.scan import scan_files
from tinycode_hooks.answer import answer, of_families
from tinycode_hooks.options import families
from tinycode_hooks.repository import repository


def run(args: list[str]) -> int:
    """Look at the files; nothing to look at is nothing to refuse."""
    git, only = repository(), families(args)
    names = [name for name in args if name != "--"]
    outcome = session(git).run(lambda scanner: scan_files(scanner.engine, [(name, name) for name in names]))
    return answer(git, "files", of_families(outcome, only))
