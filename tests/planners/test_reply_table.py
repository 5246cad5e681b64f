"""Messy answers of chat assistants, one row a case: what they change, or the one line that refuses them."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from tests.edits.judge import puts, text
from tinycode_git.errors import Exit, TinyError
from tinycode_git.planners.reply import plan_reply
from tinycode_git.proposal import MODE_LINK, MemorySnapshot

APP = """import os


def greet(name):
    print("hello", name)


def main():
    greet("world")
    return 0


class Shop:
    def open(self):
        self.state = 1
        return True

    def close(self):
        self.state = 0
        return True


class Bar:
    def open(self):
        self.state = 1
        return True
"""
README = "Title\n=====\n\nIntro text.\n\nUsage\n=====\n\nRun it.\n"
LONG = "".join(f"value_{n} = {n}\n" for n in range(40))
HEAD, TAIL = "".join(LONG.splitlines(True)[:12]), "".join(LONG.splitlines(True)[-12:])
FILES = {
    **text(
        **{
            "src/app.py": APP,
            "docs/read me.md": README,
            "long.py": LONG,
            "no_newline.txt": "one\ntwo\nthree",
            "tabs.go": "func main() {\n\tif ok {\n\t\trun()\n\t}\n}\n",
            "dos.txt": "one\r\ntwo\r\nthree\r\n",
            "mixed.txt": "one\r\ntwo\nthree\r\nfour\n",
            "bom.txt": "\ufeffone\ntwo\n",
            "trail.txt": "alpha  \nbeta\t\ngamma\n",
            "Makefile": "all:\n\techo hi\n",
            "empty.txt": "",
            "stub.py": "class A:\n    ...\n\n    # ... existing code ...\n    def b(self): ...\n",
        }
    ),
    "link": (MODE_LINK, b"src"),
    "logo.png": (0o100644, b"\x89PNG\0\0"),
}
SR = "<<<<<<< SEARCH\n{}\n=======\n{}\n>>>>>>> REPLACE\n"
GREET = ('    print("hello", name)', '    print("hi", name)')
HI = APP.replace('"hello"', '"hi"')


def block(old: str, new: str) -> str:
    """A search/replace block."""
    return (
        "<<<<<<< SEARCH\n"
        + (old + "\n" if old else "")
        + "=======\n"
        + (new + "\n" if new else "")
        + ">>>>>>> REPLACE\n"
    )


def fence(body: str, info: str = "python", mark: str = "```") -> str:
    """A fenced block."""
    return f"{mark}{info}\n{body}{mark}\n"


@dataclass(frozen=True)
class Case:
    name: str
    reply: str | bytes
    gives: dict[str, str | bytes | None] | None = None
    refused: str = ""
    exit: Exit = Exit.REFUSED


def ok(name: str, reply: str | bytes, **gives: str | bytes | None) -> Case:
    """A reply that is taken; keys of ``gives`` are made paths: ``_`` for the app."""
    return Case(
        name, reply, {{"app": "src/app.py", "readme": "docs/read me.md"}.get(k, k): v for k, v in gives.items()}
    )


def files(name: str, reply: str | bytes, gives: dict[str, str | bytes | None]) -> Case:
    """A reply that is taken."""
    return Case(name, reply, gives)


def no(name: str, reply: str | bytes, refused: str) -> Case:
    """A reply that is refused: exit 1."""
    return Case(name, reply, None, refused)


def bad(name: str, reply: str | bytes, refused: str) -> Case:
    """A reply that is not whole, or none: exit 2."""
    return Case(name, reply, None, refused, Exit.USAGE)


DIFF = (
    '--- a/src/app.py\n+++ b/src/app.py\n@@ -4,2 +4,2 @@\n def greet(name):\n-    print("hello", name)\n'
    '+    print("hi", name)\n'
)
ENVELOPE = (
    '*** Begin Patch\n*** Update File: src/app.py\n@@ def greet(name):\n-    print("hello", name)\n'
    '+    print("hi", name)\n*** End Patch\n'
)

SEARCH_REPLACE = [
    ok("name above the block", "src/app.py\n" + block(*GREET), app=HI),
    ok("name above the fence", "src/app.py\n" + fence(block(*GREET)), app=HI),
    ok("name in the fence", fence("src/app.py\n" + block(*GREET)), app=HI),
    ok("name in the fence as a comment", fence("# src/app.py\n" + block(*GREET)), app=HI),
    ok("name in the info string", fence(block(*GREET), "python src/app.py"), app=HI),
    ok("name after the language and a colon", fence(block(*GREET), "python:src/app.py"), app=HI),
    ok("name in bold", "**src/app.py**\n\n" + fence(block(*GREET)), app=HI),
    ok("name in a heading with backticks", "### `src/app.py`\n\n" + fence(block(*GREET)), app=HI),
    ok("name with a label", "File: src/app.py\n" + fence(block(*GREET)), app=HI),
    ok("name in prose", "Now change `src/app.py` so that it says hi:\n\n" + fence(block(*GREET)), app=HI),
    ok(
        "prose around",
        "Sure! Here you go.\n\nsrc/app.py\n" + fence(block(*GREET)) + "\nThat should do. Anything else?\n",
        app=HI,
    ),
    ok("a leading ./", "./src/app.py\n" + block(*GREET), app=HI),
    ok("CRLF in the reply", ("src/app.py\n" + fence(block(*GREET))).replace("\n", "\r\n"), app=HI),
    ok("a BOM in the reply", "\ufeffsrc/app.py\n" + block(*GREET), app=HI),
    ok("UTF-16 from a clipboard", ("src/app.py\n" + block(*GREET)).encode("utf-16"), app=HI),
    ok(
        "longer and spaced markers",
        "src/app.py\n" + block(*GREET).replace("<<<<<<< S", "<<<<<<<<< S").replace("REPLACE", "REPLACE "),
        app=HI,
    ),
    ok("no newline at the end of the reply", ("src/app.py\n" + block(*GREET)).rstrip("\n"), app=HI),
    ok(
        "two blocks in one fence",
        "src/app.py\n" + fence(block(*GREET) + "\n" + block("    return 0", "    return 1")),
        app=HI.replace("return 0", "return 1"),
    ),
    ok(
        "the second block names no file",
        "src/app.py\n" + fence(block(*GREET)) + "and\n" + fence(block("    return 0", "    return 1")),
        app=HI.replace("return 0", "return 1"),
    ),
    ok(
        "blocks in the wrong order",
        "src/app.py\n" + block("    return 0", "    return 1") + block(*GREET),
        app=HI.replace("return 0", "return 1"),
    ),
    ok(
        "a block that builds on the one before",
        "src/app.py\n" + block(*GREET) + block('    print("hi", name)', '    print("hey", name)'),
        app=APP.replace('"hello"', '"hey"'),
    ),
    ok(
        "blocks that share a line of context",
        "src/app.py\n"
        + block("def greet(name):\n" + GREET[0], "def greet(who):\n" + GREET[0])
        + block(GREET[0] + "\n\n\ndef main():", GREET[0] + "\n\n\ndef start():"),
        app=APP.replace("greet(name)", "greet(who)").replace("def main", "def start"),
    ),
    ok("the same block twice", "src/app.py\n" + block(*GREET) + "src/app.py\n" + block(*GREET), app=HI),
    ok("lines taken out", "src/app.py\n" + block("    return 0", ""), app=APP.replace("    return 0\n", "")),
    files(
        "two files",
        "src/app.py\n" + block(*GREET) + "tabs.go\n" + block("\t\trun()", "\t\twalk()"),
        {"src/app.py": HI, "tabs.go": "func main() {\n\tif ok {\n\t\twalk()\n\t}\n}\n"},
    ),
    files("an empty search makes a file", "src/new.py\n" + fence(block("", "x = 1")), {"src/new.py": "x = 1\n"}),
    files("an empty search fills an empty file", "empty.txt\n" + block("", "x"), {"empty.txt": "x\n"}),
    files(
        "a path with a space",
        "`docs/read me.md`\n" + fence(block("Run it.", "Run it now."), "markdown"),
        {"docs/read me.md": README.replace("it.", "it now.")},
    ),
    files(
        "text that holds dividers",
        "**docs/read me.md**\n" + block("Title\n=====\n\nIntro text.", "Heading\n=======\n\nIntro text."),
        {"docs/read me.md": README.replace("Title\n=====", "Heading\n=======")},
    ),
    files(
        "a name without an extension",
        "Makefile\n" + fence(block("\techo hi", "\techo ho"), "make"),
        {"Makefile": "all:\n\techo ho\n"},
    ),
    files("the file's CRLF is kept", "dos.txt\n" + block("two", "2\n2b"), {"dos.txt": "one\r\n2\r\n2b\r\nthree\r\n"}),
    files(
        "mixed line ends are kept",
        "mixed.txt\n" + block("two\nthree", "TWO\nthree\nthree b"),
        {"mixed.txt": "one\r\nTWO\nthree\r\nthree b\r\nfour\n"},
    ),
    files("a BOM is kept", "bom.txt\n" + block("one", "1"), {"bom.txt": "\ufeff1\ntwo\n"}),
    files(
        "the missing last newline is kept",
        "no_newline.txt\n" + block("three", "3\n4"),
        {"no_newline.txt": "one\ntwo\n3\n4"},
    ),
    files(
        "a line put before the last",
        "no_newline.txt\n" + block("three", "2b\nthree"),
        {"no_newline.txt": "one\ntwo\n2b\nthree"},
    ),
    files("the last lines taken out", "no_newline.txt\n" + block("two\nthree", "two"), {"no_newline.txt": "one\ntwo"}),
    files(
        "trailing space in the file",
        "trail.txt\n" + block("alpha\nbeta", "alpha\nBETA"),
        {"trail.txt": "alpha  \nBETA\ngamma\n"},
    ),
    files(
        "trailing space in the block",
        "trail.txt\n" + block("gamma  ", "delta"),
        {"trail.txt": "alpha  \nbeta\t\ndelta\n"},
    ),
    ok(
        "less indentation than the file",
        "src/app.py\n" + block('print("hello", name)', 'if name:\n    print("hi", name)'),
        app=APP.replace('    print("hello", name)', '    if name:\n        print("hi", name)'),
    ),
    ok(
        "more indentation than the file",
        "src/app.py\n"
        + block('            greet("world")\n            return 0', '            greet("you")\n            return 0'),
        app=APP.replace('"world"', '"you"'),
    ),
    files(
        "spaces where the file has tabs",
        "tabs.go\n"
        + block(
            "    if ok {\n        run()\n    }",
            "    if ok {\n        run()\n        if more {\n            again()\n        }\n    }",
        ),
        {"tabs.go": "func main() {\n\tif ok {\n\t\trun()\n\t\tif more {\n\t\t\tagain()\n\t\t}\n\t}\n}\n"},
    ),
    no(
        "stale context",
        "src/app.py\n" + block('    print("goodbye", name)', "    pass"),
        "the edit of 'src/app.py' on line 2 of the input does not match the file",
    ),
    no("one letter off", "src/app.py\n" + block('    print("hello", nam)', "    pass"), "does not match the file"),
    no("different case", "src/app.py\n" + block("DEF MAIN():", "def x():"), "does not match the file"),
    no("only a part of a line", "src/app.py\n" + block('print("hello"', 'print("hi"'), "does not match the file"),
    no(
        "uneven indentation",
        "src/app.py\n" + block('def main():\n  greet("world")', 'def main():\n  greet("you")'),
        "does not match the file",
    ),
    no(
        "a text that is there twice",
        "src/app.py\n" + block("        self.state = 1", "        self.state = 2"),
        "fits at more than one place (lines 15, 25)",
    ),
    no(
        "twice but for indentation",
        "src/app.py\n" + block("self.state = 1", "self.state = 2"),
        "fits at more than one place",
    ),
    no(
        "one good and one bad block",
        "src/app.py\n" + block(*GREET) + block("no such line", "x"),
        "on line 7 of the input does not match",
    ),
    no(
        "a tab's width would be a guess",
        "tabs.go\n" + block("        run()", "        if x {\n            run()\n        }"),
        "more than one indentation",
    ),
    no("a file that is not there", "src/ap.py\n" + block(*GREET), "the reply changes 'src/ap.py', which is not there"),
    no("a folder", "`src`\n" + fence("src/\n" + block(*GREET), "src/app"), "which is a folder"),
    no("a binary file", "logo.png\n" + block("x", "y"), "binary"),
    no(
        "an empty search in a file that is there",
        "src/app.py\n" + block("", "x = 1"),
        "has no lines to find its place by",
    ),
    no(
        "an elision in the new lines",
        "src/app.py\n" + block(GREET[0], '    print("hi", name)\n    # ... rest of the function ...'),
        "leaves out code",
    ),
    no(
        "an elision in the search text",
        "src/app.py\n" + block("class Shop:\n    ...\n    def close(self):", "class Shop:\n    def close(self):"),
        "does not match",
    ),
    bad("no file named", block(*GREET), "names no file"),
    bad(
        "cut short in the block",
        "src/app.py\n<<<<<<< SEARCH\n    return 0\n=======\n    ret",
        "the reply ends before it does",
    ),
    bad("cut short in the fence", "src/app.py\n```python\n<<<<<<< SEARCH\n    return 0\n=======\n    ret", "cut short"),
    bad("no divider", "src/app.py\n<<<<<<< SEARCH\nx\n>>>>>>> REPLACE\n", "has no ======= line"),
    bad(
        "a block in a block",
        "src/app.py\n<<<<<<< SEARCH\nx\n<<<<<<< SEARCH\ny\n=======\nz\n>>>>>>> REPLACE\n",
        "another block starts before it ends",
    ),
]
PATHS = [
    no("outside, upwards", "../evil.py\n" + block("", "x"), "'..' as a component"),
    no("absolute", "/etc/cron.d/x.conf\n" + fence("* * * * * x\n"), "absolute"),
    no("git's own folder", ".git/config\n" + fence("[core]\n"), "git's own folder"),
    no("git's own folder in capitals", ".GIT/hooks/pre-commit\n" + fence("#!/bin/sh\n"), "git's own folder"),
    no("git's own folder by its short name", "git~1/hooks/post.sh\n" + fence("#!/bin/sh\n"), "git's own folder"),
    no("backslashes", "`src\\app2.py`\n" + fence("x = 1\n"), "backslash"),
    no("through a link", "link/app2.py\n" + fence("x = 1\n"), "beyond the symbolic link 'link'"),
    no("below a file", "Makefile/x.py\n" + fence("x = 1\n"), "'Makefile' is a file"),
    no("the link itself", "**link**\n" + fence(block("src", "/etc")), "a link or a submodule"),
    no("a device", "src/aux.py\n" + fence("x = 1\n"), "a device on Windows"),
    no(
        "two names that collide",
        "**new/a.py**\n" + fence("x = 1\n") + "**new/A.py**\n" + fence("y = 1\n"),
        "the same name where case is ignored",
    ),
]
WHOLE = [
    files("a new file", "**src/new.py**\n\n" + fence("x = 1\n"), {"src/new.py": "x = 1\n"}),
    files("a new file with a label", "### New file: `src/new.py`\n" + fence("x = 1\n"), {"src/new.py": "x = 1\n"}),
    files("a new file in a list", "1. `src/new.py` (new file)\n" + fence("x = 1\n"), {"src/new.py": "x = 1\n"}),
    files(
        "an indented fence in a list",
        "- `src/new.py`:\n\n  ```python\n  def f():\n      return 1\n  ```\n",
        {"src/new.py": "def f():\n    return 1\n"},
    ),
    files("tildes", "src/new.py\n" + fence("x = 1\n", mark="~~~"), {"src/new.py": "x = 1\n"}),
    files("a title in the info string", fence("x = 1\n", 'python title="src/new.py"'), {"src/new.py": "x = 1\n"}),
    files("an empty new file", "pkg/__init__.py\n" + fence(""), {"pkg/__init__.py": ""}),
    files(
        "a whole file again",
        "**long.py**\n" + fence(LONG.replace("= 7\n", "= 77\n")),
        {"long.py": LONG.replace("= 7\n", "= 77\n")},
    ),
    files(
        "the whole of a CRLF file", "dos.txt\n" + fence("one\nTWO\nthree\n", ""), {"dos.txt": "one\r\nTWO\r\nthree\r\n"}
    ),
    files(
        "the whole of a mixed file",
        "mixed.txt\n" + fence("one\nTWO\nthree\nfour\n", ""),
        {"mixed.txt": "one\r\nTWO\nthree\r\nfour\n"},
    ),
    files(
        "nested fences with languages",
        "**NOTES.md**\n" + fence("# Use\n\n```bash\nrun\n```\n\nDone.\n", "markdown"),
        {"NOTES.md": "# Use\n\n```bash\nrun\n```\n\nDone.\n"},
    ),
    files(
        "nested fences in four backticks",
        "**NOTES.md**\n" + fence("```\nrun\n```\n", "markdown", "````"),
        {"NOTES.md": "```\nrun\n```\n"},
    ),
    files(
        "a block that names no file beside one that does",
        "Run this:\n" + fence("pip install x\n", "bash") + "**src/new.py**\n" + fence("x = 1\n"),
        {"src/new.py": "x = 1\n"},
    ),
    files(
        "a citation beside an edit",
        fence("def main():\n", "8:9:src/app.py") + "**src/new.py**\n" + fence("x = 1\n"),
        {"src/new.py": "x = 1\n"},
    ),
    files(
        "the same file twice alike",
        "**src/new.py**\n" + fence("x = 1\n") + "Again:\n**src/new.py**\n" + fence("x = 1\n"),
        {"src/new.py": "x = 1\n"},
    ),
    files(
        "dots that the file has itself",
        "**stub.py**\n" + fence("class B:\n    ...\n\n    # ... existing code ...\n    def b(self): ...\n"),
        {"stub.py": "class B:\n    ...\n\n    # ... existing code ...\n    def b(self): ...\n"},
    ),
    bad(
        "nested fences that are unclear",
        "**NOTES.md**\n" + fence("# Use\n\n```\nrun\n```\n\nDone.\n", "markdown"),
        "ends is unclear",
    ),
    bad("cut short", "**src/new.py**\n```python\nx = 1\ny =", "cut short"),
    bad("a closing fence too short", "**src/new.py**\n````python\nx = 1\n```\n", "cut short"),
    bad(
        "only a snippet in prose",
        "You could write `src/app.py` like this:\n" + fence("def main():\n    pass\n"),
        "names no file above it",
    ),
    bad("only a first line that names the file", fence("# src/app.py\nx = 1\n"), "names no file above it"),
    bad("only a citation", fence("def main():\n", "8:9:src/app.py"), "there are no edits in the reply"),
    no(
        "the same file twice, differently",
        "**src/new.py**\n" + fence("x = 1\n") + "**src/new.py**\n" + fence("x = 2\n"),
        "more than once, in different ways",
    ),
    no(
        "whole after a block",
        "src/app.py\n" + block(*GREET) + "**src/app.py**\n" + fence(APP),
        "more than once, in different ways",
    ),
    no("a part of the file", "**long.py**\n" + fence("value_7 = 77\n"), "seems to be a part of it"),
    no("an empty block", "**long.py**\n" + fence(""), "an empty block"),
    no(
        "the rest stays, says the prose",
        "**long.py**\n" + fence(HEAD) + "The rest of the file stays the same.\n",
        "that the rest of 'long.py' stays",
    ),
    no("nothing new", "**long.py**\n" + fence(LONG), "changes nothing"),
    *(
        no(f"an elision: {line.strip()}", f"**{path}**\n" + fence(HEAD + line + "\n" + TAIL), "leaves out code")
        for path, line in [
            ("long.py", "# ... rest of the code ..."),
            ("long.py", "# ..."),
            ("long.py", "..."),
            ("long.py", "    # rest of the code remains unchanged"),
            ("long.py", "# (rest of file unchanged)"),
            ("long.py", "# existing code here"),
            ("long.py", "# … other methods …"),
            ("long.py", "[... rest of file ...]"),
            ("src/new.js", "// ... existing code ..."),
            ("src/new.js", "  /* ... */"),
            ("src/new.js", "  {/* ... existing code ... */}"),
            ("src/new.js", "// Rest of the component"),
            ("src/new.html", "<!-- ... -->"),
            ("src/new.html", "<!-- rest of the file -->"),
            ("src/new.sql", "-- ... other columns"),
            ("src/new.c", "..."),
        ]
    ),
]
DIFFS = [
    ok("a diff in a fence", fence(DIFF, "diff"), app=HI),
    ok("a diff without a fence", "Here is the patch:\n\n" + DIFF + "\nApply it with git apply.\n", app=HI),
    ok("a diff in a fence of no language", fence(DIFF, ""), app=HI),
    ok("wrong line numbers", fence(DIFF.replace("-4,2 +4,2", "-90,2 +90,2"), "diff"), app=HI),
    ok("wrong counts", fence(DIFF.replace("-4,2 +4,2", "-4,7 +4,9"), "diff"), app=HI),
    ok("no line numbers", fence(DIFF.replace("@@ -4,2 +4,2 @@", "@@"), "diff"), app=HI),
    ok("dots for line numbers", fence(DIFF.replace("@@ -4,2 +4,2 @@", "@@ ... @@"), "diff"), app=HI),
    ok("a name for line numbers", fence(DIFF.replace("@@ -4,2 +4,2 @@", "@@ def greet(name):"), "diff"), app=HI),
    ok("no hunk header", fence(DIFF.replace("@@ -4,2 +4,2 @@\n", ""), "diff"), app=HI),
    ok("no file header, a heading", "`src/app.py`\n" + fence(DIFF.split("\n", 2)[2], "diff"), app=HI),
    ok("no header at all", "**src/app.py**\n" + fence("-" + GREET[0] + "\n+" + GREET[1] + "\n", "diff"), app=HI),
    ok("without prefixes", fence(DIFF.replace("a/src", "src").replace("b/src", "src"), "diff"), app=HI),
    ok("git's header", fence("diff --git a/src/app.py b/src/app.py\nindex 123..456 100644\n" + DIFF, "diff"), app=HI),
    ok(
        "an empty context line without its space",
        fence(
            "--- a/src/app.py\n+++ b/src/app.py\n@@ -1,4 +1,4 @@\n import os\n\n\n-def greet(name):\n"
            "+def greet(who):\n",
            "diff",
        ),
        app=APP.replace("greet(name)", "greet(who)"),
    ),
    ok("CRLF", fence(DIFF, "diff").replace("\n", "\r\n"), app=HI),
    ok(
        "a place named by its class",
        fence(
            "--- a/src/app.py\n+++ b/src/app.py\n@@ class Bar:\n     def open(self):\n-        self.state = 1\n"
            "+        self.state = 5\n         return True\n",
            "diff",
        ),
        app=APP[: APP.index("class Bar")] + APP[APP.index("class Bar") :].replace("= 1", "= 5"),
    ),
    ok(
        "right numbers decide between two places",
        fence(
            "--- a/src/app.py\n+++ b/src/app.py\n@@ -24,3 +24,3 @@\n     def open(self):\n"
            "-        self.state = 1\n+        self.state = 5\n         return True\n",
            "diff",
        ),
        app=APP[: APP.index("class Bar")] + APP[APP.index("class Bar") :].replace("= 1", "= 5"),
    ),
    files(
        "a new file",
        fence("--- /dev/null\n+++ b/src/new.py\n@@ -0,0 +1,2 @@\n+x = 1\n+y = 2\n", "diff"),
        {"src/new.py": "x = 1\ny = 2\n"},
    ),
    files(
        "a deleted file",
        fence("--- a/bom.txt\n+++ /dev/null\n@@ -1,2 +0,0 @@\n-\ufeffone\n-two\n", "diff"),
        {"bom.txt": None},
    ),
    files(
        "a renamed file",
        fence(
            "diff --git a/trail.txt b/t.txt\nsimilarity index 100%\nrename from trail.txt\nrename to t.txt\n", "diff"
        ),
        {"trail.txt": None, "t.txt": "alpha  \nbeta\t\ngamma\n"},
    ),
    files(
        "a diff of a CRLF file",
        fence("--- a/dos.txt\n+++ b/dos.txt\n@@ -1,3 +1,3 @@\n one\n-two\n+TWO\n three\n", "diff"),
        {"dos.txt": "one\r\nTWO\r\nthree\r\n"},
    ),
    files(
        "two files in one fence",
        fence(DIFF + "--- a/dos.txt\n+++ b/dos.txt\n@@ -1 +1 @@\n-one\n+ONE\n", "diff"),
        {"src/app.py": HI, "dos.txt": "ONE\r\ntwo\r\nthree\r\n"},
    ),
    files(
        "tabs lost in a diff",
        fence(
            "--- a/tabs.go\n+++ b/tabs.go\n@@ -2,3 +2,3 @@\n     if ok {\n-        run()\n+        walk()\n     }\n",
            "diff",
        ),
        {"tabs.go": "func main() {\n\tif ok {\n\t\twalk()\n\t}\n}\n"},
    ),
    no("stale", fence(DIFF.replace("hello", "goodbye"), "diff"), "does not match the file"),
    no(
        "a place that is there twice",
        fence(
            "--- a/src/app.py\n+++ b/src/app.py\n@@ -80,2 +80,2 @@\n     def open(self):\n"
            "-        self.state = 1\n+        self.state = 5\n",
            "diff",
        ),
        "fits at more than one place",
    ),
    no(
        "only new lines",
        fence("--- a/src/app.py\n+++ b/src/app.py\n@@ -4,0 +5 @@\n+x = 1\n", "diff"),
        "no lines to find its place by",
    ),
    no(
        "a new file that is there",
        fence("--- /dev/null\n+++ b/long.py\n@@ -0,0 +1 @@\n+x = 1\n", "diff"),
        "which is there already with other content",
    ),
    no(
        "a deletion of what is not there",
        fence("--- a/gone.py\n+++ /dev/null\n@@ -1 +0,0 @@\n-x\n", "diff"),
        "the reply deletes 'gone.py', which is not there",
    ),
    no(
        "a deletion of another content",
        fence("--- a/long.py\n+++ /dev/null\n@@ -1 +0,0 @@\n-x\n", "diff"),
        "holds something else",
    ),
    no(
        "an elision",
        fence(DIFF.replace("+    print", "+    # ... existing code ...\n+    print"), "diff"),
        "leaves out code",
    ),
    bad("no file named", fence(DIFF.split("\n", 2)[2], "diff"), "it names no file"),
    bad("prose in the diff", fence(DIFF + "and so on\n", "diff"), "starts with neither space"),
    bad("nothing in it", fence("--- a/src/app.py\n+++ b/src/app.py\n", "diff"), "only changes of lines"),
    bad(
        "a binary file",
        fence(
            "diff --git a/logo.png b/logo.png\nindex 1234..5678 100644\n"
            "Binary files a/logo.png and b/logo.png differ\n",
            "diff",
        ),
        "a binary file cannot",
    ),
    bad(
        "two different files", fence(DIFF.replace("+++ b/src/app.py", "+++ b/src/other.py"), "diff"), "different files"
    ),
]
ENVELOPES = [
    ok("update", ENVELOPE, app=HI),
    ok("in a fence", "Here:\n" + fence(ENVELOPE, ""), app=HI),
    ok("in a shell's here-document", fence("apply_patch <<'EOF'\n" + ENVELOPE + "EOF\n", "bash"), app=HI),
    ok(
        "two hunks",
        ENVELOPE.replace("*** End", "@@ def main():\n-    return 0\n+    return 1\n*** End"),
        app=HI.replace("return 0", "return 1"),
    ),
    ok(
        "an anchor decides",
        ENVELOPE.replace("def greet(name):", "class Bar:").replace(
            f"-{GREET[0]}\n+{GREET[1]}", "     def open(self):\n-        self.state = 1\n+        self.state = 5"
        ),
        app=APP[: APP.index("class Bar")] + APP[APP.index("class Bar") :].replace("= 1", "= 5"),
    ),
    ok(
        "the end of the file decides",
        "*** Begin Patch\n*** Update File: src/app.py\n@@\n         self.state = 1\n-        return True\n"
        "+        return None\n*** End of File\n*** End Patch\n",
        app=APP[:-12] + "return None\n",
    ),
    files(
        "add",
        "*** Begin Patch\n*** Add File: src/new.py\n+x = 1\n+\n+y = 2\n*** End Patch\n",
        {"src/new.py": "x = 1\n\ny = 2\n"},
    ),
    files("delete", "*** Begin Patch\n*** Delete File: long.py\n*** End Patch\n", {"long.py": None}),
    files(
        "move and change",
        ENVELOPE.replace("src/app.py\n", "src/app.py\n*** Move to: src/start.py\n"),
        {"src/app.py": None, "src/start.py": HI},
    ),
    files(
        "several files",
        "*** Begin Patch\n*** Add File: a.txt\n+a\n*** Delete File: long.py\n*** End Patch\n",
        {"a.txt": "a\n", "long.py": None},
    ),
    no("stale", ENVELOPE.replace("hello", "goodbye"), "does not match the file"),
    no(
        "not unique",
        ENVELOPE.replace("def greet(name):", "").replace(
            f"-{GREET[0]}\n+{GREET[1]}", "-        self.state = 1\n+        self.state = 5"
        ),
        "fits at more than one place",
    ),
    no(
        "an anchor that is there twice",
        ENVELOPE.replace("def greet(name):", "    def open(self):").replace(
            f"-{GREET[0]}\n+{GREET[1]}", "-        self.state = 1\n+        self.state = 5"
        ),
        "fits at more than one place",
    ),
    no("add what is there", "*** Begin Patch\n*** Add File: long.py\n+x\n*** End Patch\n", "which is there already"),
    no("delete what is not there", "*** Begin Patch\n*** Delete File: gone.py\n*** End Patch\n", "which is not there"),
    no(
        "move onto a file",
        ENVELOPE.replace("src/app.py\n", "src/app.py\n*** Move to: long.py\n"),
        "which is there already",
    ),
    no("outside", "*** Begin Patch\n*** Add File: ../x\n+x\n*** End Patch\n", "'..' as a component"),
    bad("cut short", ENVELOPE.replace("*** End Patch\n", ""), "cut short"),
    bad("empty", "*** Begin Patch\n*** End Patch\n", "it is empty"),
    bad("a line without its mark", "*** Begin Patch\n*** Add File: a\n+x\ny\n*** End Patch\n", "starts without +"),
    bad("an unknown command", "*** Begin Patch\n*** Chmod File: a\n*** End Patch\n", "names no file to update"),
    bad("nothing to update", "*** Begin Patch\n*** Update File: src/app.py\n*** End Patch\n", "without saying how"),
]
NOTHING = [
    bad("empty", "", "there are no edits in the reply"),
    bad("only prose", "I would rename the function, but I cannot see the file.\n", "there are no edits"),
    bad("only a rule", "---\n\nSome text\n\n---\n", "there are no edits"),
    bad("only a shell command", "Run:\n" + fence("rm -rf build\n", "bash"), "the fenced block on line 2 names no file"),
]
CASES = [*SEARCH_REPLACE, *PATHS, *WHOLE, *DIFFS, *ENVELOPES, *NOTHING]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_reply(case: Case) -> None:
    data = case.reply.encode() if isinstance(case.reply, str) else case.reply
    snapshot = MemorySnapshot(dict(FILES))
    if case.gives is None:
        with pytest.raises(TinyError) as caught:
            plan_reply(snapshot, data)
        assert case.refused in caught.value.message
        assert caught.value.exit == case.exit
        assert "\n" not in caught.value.message
        assert caught.value.hint
        return
    expected = {path: c.encode() if isinstance(c, str) else c for path, c in case.gives.items()}
    assert puts(plan_reply(snapshot, data)) == expected


def test_the_table_is_large() -> None:
    assert len(CASES) >= 100
