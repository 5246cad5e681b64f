"""Write the manual pages (``man/*.1``) and the README's table of verbs from the program's own help texts: ``make man``.

``git tiny --help`` makes git run ``man git-tiny``, ``git help git-tiny-apply`` runs ``man git-tiny-apply``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from tinycode_git import __version__, config
from tinycode_git.commands.app import Command, Param, load
from tinycode_git.modes import MEANING
from tinycode_git.render.helptext import IDEA, USAGE, sections
from tinycode_git.verbs import GLOBAL_OPTIONS, VERBS

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "man"

_TABLE = re.compile(r"(?<=<!-- verbs: made by make man -->\n).*?(?=<!-- /verbs -->)", re.S)

_ESCAPES = {"\\": "\\e", "-": "\\-", "'": "\\(aq", "`": "\\(ga", "^": "\\(ha", "~": "\\(ti", '"': "\\(dq"}

_DESCRIPTION = f"""{IDEA}

A task becomes steps, one commit each, on a branch of its own. They are checked, read, edited with plain git if need be,
and merged when you say so. Recipes, patches, answers pasted from a chat, your own uncommitted work and other programs
all make plans in the same way; no model and no network is needed for any of it.

What may be done has a ceiling, the lower of TINY_MODE and tiny.mode:"""

_ENVIRONMENT = {
    "TINY_MODE": "the ceiling for this process: chat, propose or execute",
    "NO_COLOR": "draw nothing in colour",
    "CLICOLOR_FORCE": "draw in colour in a pipe too",
    "GIT_PAGER, PAGER": "the pager for diffs on a terminal, as for git; core.pager counts where the user set it",
}

_EXIT = {
    "0": "done, or clean",
    "1": "refused; found; a failed gate; a conflict; tampered with; the output could not be written",
    "2": "wrong use",
    "3": "a bug in git tiny: one line, and a log file that it names",
    "4": "not everything could be looked at, or something needed is missing; never reported as clean",
    "130": "interrupted: everything of yours is as it was",
    "141": "the reader of a pipe went away",
}

_JSON = """With --json a command prints one object on standard output, and words on standard error. Keys are stable and
keep their order. An error is {"error": {"message", "detail", "hint", "exit"}}. The output is ASCII. Under the keys
path, paths, *_path and *_paths a path stands as it is; one that is not UTF-8, or begins with a double quote, is quoted
as git quotes it, with the double quotes."""


def pages() -> dict[str, str]:
    """Every page: file name to roff (man(7))."""
    found = {"git-tiny.1": "\n".join(_main_page()) + "\n"}
    for name, verb in VERBS.items():
        found[f"git-tiny-{name}.1"] = "\n".join(_verb_page(name, verb.summary, load(verb))) + "\n"
    return found


def readme(text: str) -> str:
    """The README with the table of verbs as it is now."""
    rows = [f"| `{name}` | {verb.summary} |" for name, verb in VERBS.items()]
    return _TABLE.sub("\n".join(["| verb | what it does |", "|---|---|", *rows]) + "\n", text)


def main() -> None:
    """Write the pages and the table, and remove the pages of verbs that are gone."""
    FOLDER.mkdir(exist_ok=True)
    written = pages()
    for old in FOLDER.glob("*.1"):
        if old.name not in written:
            old.unlink()
    for name, text in written.items():
        (FOLDER / name).write_text(text, encoding="ascii")
    place = ROOT / "README.md"
    place.write_text(readme(place.read_text(encoding="utf-8")), encoding="utf-8")
    print(f"{len(written)} pages in {FOLDER.name}/")


def _main_page() -> Iterator[str]:
    yield from _head("git-tiny", "changes as plans: a branch to review, a merge to approve, a reset to undo")
    yield from (".SH SYNOPSIS", f".B {escaped(USAGE)}", ".SH DESCRIPTION")
    yield from _paragraphs(_DESCRIPTION)
    yield from _terms({mode.word: meaning for mode, meaning in MEANING.items()})
    yield ".SH OPTIONS"
    yield from _terms(GLOBAL_OPTIONS)
    yield ".SH VERBS"
    for section, names in sections().items():
        yield f".SS {escaped(section)}"
        yield from _terms({f"git-tiny-{name}(1)": VERBS[name].summary for name in names})
    yield ".SH CONFIGURATION"
    yield from _paragraphs("Set with git config, for the user (--global) or the clone:")
    yield from _terms(config.KNOWN)
    yield ".SH ENVIRONMENT"
    yield from _terms(_ENVIRONMENT)
    yield ".SH EXIT STATUS"
    yield from _terms(_EXIT)
    yield ".SH JSON"
    yield from _paragraphs(_JSON)
    yield ".SH SEE ALSO"
    yield escaped("git(1), git-merge(1), gitglossary(7)")


def _verb_page(name: str, summary: str, command: Command) -> Iterator[str]:
    yield from _head(f"git-tiny-{name}", summary[0].lower() + summary[1:])
    yield ".SH SYNOPSIS"
    yield from _synopsis(command, f"git tiny {name}")
    yield ".SH DESCRIPTION"
    yield from _paragraphs(command.help or "")
    yield from _parameters(command, ".SH")
    for inner_name, inner in getattr(command, "commands", {}).items():
        yield f".SH {escaped(inner_name.upper())}"
        yield from _synopsis(inner, f"git tiny {name} {inner_name}")
        yield from _paragraphs(inner.help or "")
        yield from _parameters(inner, ".SS")
    yield ".SH SEE ALSO"
    yield escaped("git-tiny(1)")


def _head(name: str, summary: str) -> Iterator[str]:
    yield '.\\" Made by scripts/docs.py from the help texts: change those, then run "make man".'
    yield f'.TH {escaped(name.upper())} 1 "" "git-tiny {__version__}" "Git Tiny Manual"'
    yield from (".nh", ".ad l", ".SH NAME", f"{escaped(name)} \\- {escaped(summary)}")


def _synopsis(command: Command, name: str) -> Iterator[str]:
    with command.make_context(name, [], resilient_parsing=True) as context:
        pieces = " ".join(command.collect_usage_pieces(context))
    yield from (".PP", f".B {escaped(name)}", escaped(pieces))


def _parameters(command: Command, heading: str) -> Iterator[str]:
    """Arguments and options, in the words of ``--help`` but laid out here: typer changes its own layout at times."""
    records: dict[str, dict[str, str]] = {"argument": {}, "option": {}}
    with command.make_context("", [], resilient_parsing=True) as context:
        for param in command.get_params(context):
            if not getattr(param, "hidden", False):
                records[param.param_type_name][_term(param)] = getattr(param, "help", None) or ""
    for kind, title in (("argument", "ARGUMENTS"), ("option", "OPTIONS")):
        if records[kind]:
            yield f"{heading} {title}"
            yield from _terms(records[kind])


def _term(param: Param) -> str:
    value = param.metavar or (param.name or "").upper()
    if param.param_type_name == "argument":
        return value
    names = ", ".join(sorted([*param.opts, *param.secondary_opts], key=len))
    return names if getattr(param, "is_flag", False) or getattr(param, "count", False) else f"{names} {value}"


def _terms(terms: dict[str, str]) -> Iterator[str]:
    for term, meaning in terms.items():
        yield from (".TP", f".B {escaped(term)}", escaped(" ".join(meaning.split())))


def _paragraphs(text: str) -> Iterator[str]:
    """A help text: paragraphs to fill, those after ``\\b`` as they are, the line with a colon before one its title."""
    blocks = text.split("\n\n")
    for index, block in enumerate(blocks):
        kept = block.startswith("\b")
        title = (
            block.endswith(":") and "\n" not in block and index + 1 < len(blocks) and blocks[index + 1].startswith("\b")
        )
        if kept:
            lines = [line.removeprefix("  ") for line in block.removeprefix("\b").strip("\n").split("\n")]
            yield from (".PP", ".RS 2", ".nf", *map(escaped, lines), ".fi", ".RE")
        elif title:
            yield f".SS {escaped(block[:-1])}"
        elif block.strip():
            yield from (".PP", escaped(" ".join(block.split())))


def escaped(text: str) -> str:
    """``text`` as roff: every character itself, nothing at the start of a line a request."""
    out = "".join(_ESCAPES.get(char, char if char.isascii() else f"\\[u{ord(char):04X}]") for char in text)
    return f"\\&{out}" if out.startswith(".") else out


if __name__ == "__main__":
    main()
