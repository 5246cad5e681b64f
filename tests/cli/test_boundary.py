"""Every way to end: a refusal, a wrong use, an interrupt, a closed pipe, a full disk, a bug. Never a traceback."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.repos import ROOT, Result, run

ENV = {"PYTHONPATH": str(ROOT)}


def guarded(body: str, *, cwd: Path, asked_json: bool = False, env: dict[str, str] | None = None) -> Result:
    return run([sys.executable, "-c", _program(body, asked_json)], cwd=cwd, env={**ENV, **(env or {})}, check=False)


def _program(body: str, asked_json: bool = False) -> str:
    indented = "\n".join(f"    {line}" for line in body.splitlines())
    return (
        "import os, sys, signal, time\n"
        "from tinycode_git.boundary import guarded\n"
        "from tinycode_git.errors import Incomplete, Refused, UsageError\n"
        f"def action():\n{indented}\n    return 0\n"
        f"sys.exit(guarded(action, json={asked_json}))\n"
    )


@pytest.mark.parametrize(("kind", "code"), [("Refused", 1), ("UsageError", 2), ("Incomplete", 4)])
def test_a_refusal_is_a_line_and_a_hint(world: Path, kind: str, code: int) -> None:
    done = guarded(f"raise {kind}('not this', 'do that')", cwd=world)
    assert (done.code, done.out, done.err) == (code, "", "error: not this\nhint: do that\n")


def test_what_comes_from_the_repository_is_escaped(world: Path) -> None:
    done = guarded(r"raise Refused('a\x1b[2J\nb\udce9', 'c\u202e', detail='one\n\x1b]0;x\x07two\n')", cwd=world)
    assert done.err == "error: a\\x1b[2J\\nb\\xe9\none\n\\x1b]0;x\\x07two\nhint: c\\u202e\n"


def test_with_json_there_is_one_object_only(world: Path) -> None:
    body = "from tinycode_git.render import jsonout; jsonout.write({'id': 'x'}); raise Refused('not this', 'do that')"
    done = guarded(body, cwd=world, asked_json=True)
    assert done.json == {"id": "x"}
    assert done.code == 1 and "error: not this\nhint: do that" in done.err


def test_with_json_an_error_is_an_object_too(world: Path) -> None:
    done = guarded("raise Refused('not\\x1b this', 'do that', detail='long')", cwd=world, asked_json=True)
    assert done.json == {"error": {"message": "not\x1b this", "detail": "long", "hint": "do that", "exit": 1}}
    assert done.err == "error: not\\x1b this\nlong\nhint: do that\n"


def test_a_bug_is_one_line_and_a_log(world: Path) -> None:
    done = guarded("{}['a key']", cwd=world)
    assert done.code == 3
    assert done.out == ""
    first, second = done.err.splitlines()
    assert first == "error: a bug in git tiny: KeyError: 'a key'"
    path = Path(second.removeprefix("hint: the details are in ").removesuffix("; please report them"))
    assert Path(os.environ["HOME"]) in path.parents
    text = path.read_text()
    assert "Traceback (most recent call last)" in text
    assert "KeyError: 'a key'" in text
    assert path.parent.stat().st_mode & 0o077 == 0


def test_only_the_newest_logs_are_kept(world: Path) -> None:
    logs = Path(os.environ["XDG_STATE_HOME"]) / "tinycode-git/log"
    logs.mkdir(parents=True)
    for number in range(30):
        (logs / f"bug-20200101T0000{number:02}-1.log").write_text("old")
    (logs / "of-somebody-else").write_text("kept")
    guarded("1 / 0", cwd=world)
    assert len(list(logs.glob("bug-*.log"))) == 20
    assert (logs / "of-somebody-else").exists()
    assert "ZeroDivisionError" in max(logs.glob("bug-*.log")).read_text()


def test_a_log_that_cannot_be_written_hides_nothing(world: Path) -> None:
    (world / "a-file").write_text("")
    done = guarded("1 / 0", cwd=world, env={"XDG_STATE_HOME": str(world / "a-file"), "HOME": str(world / "a-file")})
    assert done.code == 3
    assert done.err.startswith("error: a bug in git tiny: ZeroDivisionError: division by zero\nhint: the log could not")
    assert "Traceback" not in done.err


def test_a_full_disk_under_the_log_hides_nothing(world: Path) -> None:
    """The file size limit makes every write fail, as a full disk does."""
    body = (
        "import resource\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))\n"
        "1 / 0"
    )
    done = guarded(body, cwd=world)
    assert done.code == 3
    assert done.err.startswith("error: a bug in git tiny: ZeroDivisionError: division by zero\nhint: the log could not")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signals_unwind_and_end_with_130(world: Path, number: signal.Signals) -> None:
    body = "try:\n    print('ready', flush=True)\n    time.sleep(60)\nfinally:\n    print('put back', flush=True)"
    with _started(_program(body), world) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"ready\n"
        child.send_signal(number)
        out, err = child.communicate(timeout=30)
    assert (child.returncode, out, err) == (130, b"put back\n", b"error: interrupted\n")


def test_what_nohup_ignores_stays_ignored(world: Path) -> None:
    body = "print('ready', flush=True)\nsys.stdin.readline()\nprint('done')"
    argv = ["sh", "-c", 'trap "" HUP; exec "$@"', "sh", sys.executable, "-c", _program(body)]
    with subprocess.Popen(argv, cwd=world, env={**os.environ, **ENV}, stdin=-1, stdout=-1) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        assert child.stdout.readline() == b"ready\n"
        child.send_signal(signal.SIGHUP)
        assert child.communicate(b"go\n", timeout=30)[0] == b"done\n"
        assert child.returncode == 0


def test_a_reader_that_goes_away_ends_it_quietly(world: Path) -> None:
    for lines in (3, 100_000):  # less than a pipe and a buffer hold, and more
        body = f"for n in range({lines}):\n    print('line', n)\n    sys.stdout.flush() if n == 0 else time.sleep(0)"
        with _started(_program(body + "\n    time.sleep(0.3 if n == 1 else 0)"), world) as child:
            assert child.stdout is not None
            assert child.stdout.readline() == b"line 0\n"
            child.stdout.close()
            assert child.stderr is not None
            assert child.stderr.read() == b""
            assert child.wait(30) == 141


@pytest.mark.parametrize("lines", [1, 100_000])
def test_a_full_disk_under_the_output_is_said(world: Path, lines: int) -> None:
    body = f"for n in range({lines}):\n    print('line', n)"
    with open("/dev/full", "wb") as full:
        child = subprocess.run(
            [sys.executable, "-c", _program(body)],
            cwd=world,
            env={**os.environ, **ENV},
            stdout=full,
            stderr=-1,
            check=False,
        )
    assert child.returncode == 1
    assert child.stderr == b"error: the output could not be written: No space left on device\n"


def test_a_full_disk_under_bytes_is_said_in_the_same_way(world: Path) -> None:
    body = "import sys\nfor n in range(1000):\n    sys.stdout.buffer.write(b'line' * 1000)"
    with open("/dev/full", "wb") as full:
        child = subprocess.run(
            [sys.executable, "-c", _program(body)],
            cwd=world,
            env={**os.environ, **ENV},
            stdout=full,
            stderr=-1,
            check=False,
        )
    assert child.returncode == 1
    assert child.stderr == b"error: the output could not be written: No space left on device\n"


def test_a_refusal_on_a_full_disk_is_still_said(world: Path) -> None:
    body = "print('some output')\nraise Refused('not this')"
    with open("/dev/full", "wb") as full:
        child = subprocess.run(
            [sys.executable, "-c", _program(body)],
            cwd=world,
            env={**os.environ, **ENV},
            stdout=full,
            stderr=-1,
            check=False,
        )
    assert child.returncode == 1
    assert child.stderr.startswith(b"error: not this\n")
    assert b"Traceback" not in child.stderr


@pytest.mark.parametrize("closed", ["0<&-", "1>&-", "2>&-", "0<&- 1>&- 2>&-"])
def test_closed_descriptors_are_opened_on_nothing(world: Path, closed: str) -> None:
    """Otherwise the first file that is opened would take the number, and receive what is printed."""
    body = "file = open('made', 'w')\nprint('to nobody')\nprint('nor this', file=sys.stderr)\nfile.write('mine')"
    run(["sh", "-c", f'exec "$@" {closed}', "sh", sys.executable, "-c", _program(body)], cwd=world, env=ENV)
    assert (world / "made").read_text() == "mine"


@pytest.mark.parametrize(
    "environment", [{"LC_ALL": "C"}, {"PYTHONIOENCODING": "ascii"}, {"LC_ALL": "C", "PYTHONUTF8": "0"}]
)
def test_no_locale_breaks_the_output(world: Path, environment: dict[str, str]) -> None:
    done = guarded(r"print('\u017elu\u0165 \u2192 \udce9')", cwd=world, env={**environment, "PYTHONCOERCECLOCALE": "0"})
    assert done.code == 0
    assert done.err == ""
    assert done.stdout.strip() in (rb"\u017elu\u0165 \u2192 \udce9", "žluť → ".encode() + rb"\udce9")


def test_an_error_of_a_file_is_a_bug_not_a_closed_pipe(world: Path) -> None:
    done = guarded("raise BrokenPipeError(32, 'of a child, not of ours')", cwd=world)
    assert done.code == 3
    done = guarded("open('/dev/full', 'w').close()\nopen('/nonexistent/x')", cwd=world, asked_json=True)
    assert done.code == 3
    error: dict[str, Any] = json.loads(done.out)["error"]
    assert error["exit"] == 3
    assert error["message"].startswith("a bug in git tiny: FileNotFoundError")


def _started(program: str, cwd: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=cwd,
        env={**os.environ, **ENV},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
