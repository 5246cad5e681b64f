"""Programs that are not trusted, some of them hostile, with and without bubblewrap: bounded, nothing left of them."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.processes import marked
from tests.repos import ROOT, Repo
from tinycode_git.errors import Incomplete
from tinycode_git.git.fingerprint import Fingerprint, difference
from tinycode_git.git.sandbox import Errand, Outcome, Sandbox, run
from tinycode_git.git.watch import Limits

SLEEPER = "import time; time.sleep(300)"
BWRAP = Sandbox.find()


@pytest.fixture(params=["without", "bubblewrap"])
def sandbox(request: pytest.FixtureRequest) -> Sandbox | None:
    """Both ways. Where bubblewrap is not there or may not make namespaces, its half is skipped and listed (-ra)."""
    if request.param == "bubblewrap" and BWRAP is None:
        pytest.skip("bubblewrap is not installed, or may not make namespaces here")
    return BWRAP if request.param == "bubblewrap" else None


@pytest.fixture
def place(world: Path) -> Path:
    folder = world / "clone"
    folder.mkdir()
    return folder


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    """After every test, no process that carries one of our marks is alive."""
    yield
    assert [process.cmdline() for process in marked()] == []


def _run(
    code: str,
    place: Path,
    sandbox: Sandbox | None,
    limits: Limits | None = None,
    *,
    shell: bool = False,
    **more: object,
) -> Outcome:
    argv = ["sh", "-c", code] if shell else [sys.executable, "-c", code]
    errand = Errand(
        argv,
        place,
        dict(os.environ),
        place.parent / "output",
        limits or Limits(seconds=60),
        sandbox,
        writable=(place,),
        grace=0.5,
        most_output=10_000,
    )
    return run(errand, **more)  # type: ignore[arg-type]


def test_a_program_that_ends(place: Path, sandbox: Sandbox | None) -> None:
    shown: list[str] = []
    outcome = _run("echo out; echo err >&2; pwd; exit 3", place, sandbox, shell=True, shown=shown.append)
    assert (outcome.code, outcome.passed, outcome.exceeded, outcome.left) == (3, False, (), 0)
    assert shown == ["out", "err", str(place)]
    assert outcome.output.read_text() == f"out\nerr\n{place}\n"
    assert outcome.sandboxed == (sandbox is not None)
    assert _run("pass", place, sandbox).passed


def test_it_reads_nothing_and_has_no_terminal(place: Path, sandbox: Sandbox | None) -> None:
    code = "import sys; print(repr(sys.stdin.read()), flush=True); open('/dev/tty')"
    outcome = _run(code, place, sandbox)
    assert outcome.code == 1
    assert outcome.output.read_text().startswith("''\n")


def test_its_environment_is_what_was_given(place: Path, sandbox: Sandbox | None) -> None:
    errand = Errand(
        ["env"], place, {"PATH": os.environ["PATH"], "A": "1"}, place / "o", sandbox=sandbox, writable=[place]
    )
    run(errand)
    names = {line.split("=")[0] for line in (place / "o").read_text().splitlines()}
    assert names - {"PWD"} == {"PATH", "A", "TINY_RUN"}


def test_a_program_that_is_not_there(place: Path, sandbox: Sandbox | None) -> None:
    outcome = run(Errand(["no-such-program"], place, dict(os.environ), place / "o", sandbox=sandbox, writable=[place]))
    assert not outcome.passed
    assert "no-such-program" in outcome.output.read_text()


BACKGROUND = {
    "child": "import subprocess, sys; subprocess.Popen([sys.executable, '-c', {sleeper!r}])",
    "double fork": (
        "import os, time\nif os.fork() == 0:\n  os.setsid()\n  if os.fork() == 0:\n    time.sleep(300)\n"
        "  os._exit(0)\nos.wait()"
    ),
    "daemon that closes its output": (
        "import os, time\nif os.fork() == 0:\n  os.setsid()\n  if os.fork(): os._exit(0)\n"
        "  for fd in range(256):\n    try: os.close(fd)\n    except OSError: pass\n  time.sleep(300)\nos.wait()"
    ),
    "ignores SIGTERM and SIGHUP": (
        "import os, signal, time\nif os.fork() == 0:\n  os.setsid()\n  signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "  signal.signal(signal.SIGHUP, signal.SIG_IGN)\n  time.sleep(300)\ntime.sleep(0.2)"
    ),
    "forks for ever": "import os, time\nfor n in range(40):\n  if os.fork() == 0:\n    os.setsid(); time.sleep(300)",
}


@pytest.mark.parametrize("name", BACKGROUND)
def test_what_it_leaves_in_the_background_is_ended(name: str, place: Path, sandbox: Sandbox | None) -> None:
    outcome = _run(BACKGROUND[name].replace("{sleeper!r}", repr(SLEEPER)), place, sandbox)
    assert outcome.code == 0, outcome.output.read_text()
    assert sandbox is not None or outcome.left >= 1
    assert outcome.seconds < 60


STUBBORN = {
    "sleeps": SLEEPER,
    "ignores signals": (
        "import signal, time\nfor n in set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP}:\n"
        "  signal.signal(n, signal.SIG_IGN)\nprint('ready', flush=True)\nwhile True: time.sleep(1)"
    ),
    "stops itself": "import os, signal; os.kill(os.getpid(), signal.SIGSTOP)",
}


@pytest.mark.parametrize("name", STUBBORN)
def test_the_time_limit(name: str, place: Path, sandbox: Sandbox | None) -> None:
    outcome = _run(STUBBORN[name], place, sandbox, Limits(seconds=0.6))
    assert not outcome.passed
    assert re.fullmatch(r"time: \d+\.\d s of 0\.6 s", outcome.exceeded[0])


def test_a_program_may_tidy_up_when_it_is_ended(place: Path, sandbox: Sandbox | None) -> None:
    code = (
        "import signal, sys, time\n"
        "signal.signal(signal.SIGTERM, lambda *_: (print('tidied', flush=True), sys.exit(7)))\n"
        "print('ready', flush=True)\ntime.sleep(300)"
    )
    outcome = _run(code, place, sandbox, Limits(seconds=1))
    assert outcome.output.read_text() == "ready\ntidied\n"


MEMORY = "import time; held = bytearray(200_000_000); print(len(held), flush=True); time.sleep(300)"
MANY = "import os, time\nfor n in range(6):\n  if os.fork() == 0: break\nheld = b'x' * 40_000_000; time.sleep(300)"
CPU = "while True: pass"
CPU_OF_MANY = "import os\nfor n in range(4): os.fork()\nwhile True: pass"
FILES = "import os; held = [os.open('/dev/null', 0) for n in range(500)]"
FILES_SLOWLY = f"import time\ntry:\n  {FILES}\nexcept OSError as e:\n  print(e, flush=True); time.sleep(1); raise"
FILE = "open('large', 'wb').write(b'x' * 5_000_000)"
FILE_KILLED = "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_DFL); " + FILE

EXCEEDING = {
    "memory": (MEMORY, Limits(seconds=60, memory=100 << 20), r"memory: \d+ MB of 100 MB"),
    "memory of all together": (MANY, Limits(seconds=60, memory=150 << 20), r"memory: \d+ MB of 150 MB"),
    "CPU time": (CPU, Limits(seconds=60, cpu_seconds=1), r"CPU time: \d+ s of 1 s"),
    "CPU time of all together": (CPU_OF_MANY, Limits(seconds=60, cpu_seconds=2), r"CPU time: \d+ s of 2 s"),
    "open files": (FILES_SLOWLY, Limits(seconds=60, open_files=100), r"open files: 100 of 100"),
    "file size": (FILE, Limits(seconds=60, file_size=1 << 20), r"file size: a file came to 1 MB, which is the limit"),
    "file size, killed": (FILE_KILLED, Limits(seconds=60, file_size=1 << 20), r"file size: a file came to 1 MB, .*"),
}


@pytest.mark.parametrize("name", EXCEEDING)
def test_what_went_over_is_said_with_its_figure(name: str, place: Path, sandbox: Sandbox | None) -> None:
    code, limits, words = EXCEEDING[name]
    outcome = _run(code, place, sandbox, limits)
    assert not outcome.passed
    assert any(re.fullmatch(words, line) for line in outcome.exceeded), outcome
    assert all(path.stat().st_size <= 1 << 20 for path in place.iterdir())


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has a hard stop for memory")
def test_an_allocation_that_is_refused_at_once_is_said_too(place: Path, sandbox: Sandbox | None) -> None:
    outcome = _run("held = bytearray(1 << 40)", place, sandbox, Limits(seconds=60, memory=100 << 20))
    words = "memory: MemoryError: the system refuses a program more than 200 MB, twice the limit of 100 MB"
    assert (outcome.code, outcome.exceeded) == (1, (words,))
    assert _run("raise MemoryError", place, sandbox, Limits(seconds=60)).exceeded == ()


def test_a_file_that_is_refused_at_once_is_said_too(place: Path, sandbox: Sandbox | None) -> None:
    limits = Limits(seconds=60, open_files=100)
    outcome = _run("held = [open('/dev/null') for n in range(500)]", place, sandbox, limits)
    words = "open files: Too many open files: the system refuses a process more than 100"
    assert (outcome.code, outcome.exceeded) == (1, (words,))
    assert _run("raise OSError(24, 'Too many open files')", place, sandbox, Limits(seconds=60)).exceeded == ()


def test_within_its_limits_nothing_is_said(place: Path, sandbox: Sandbox | None) -> None:
    limits = Limits(seconds=60, memory=2 << 30, cpu_seconds=300, open_files=100, file_size=10 << 20)
    outcome = _run("open('small', 'w').write('x'); import sys; sys.exit(5)", place, sandbox, limits)
    assert (outcome.code, outcome.exceeded) == (5, ())


def test_output_without_end_is_bounded(place: Path, sandbox: Sandbox | None) -> None:
    code = "import sys\nfor n in range(300_000): print('line', n)"
    outcome = _run(code, place, sandbox)
    text = outcome.output.read_text()
    assert outcome.code == 0
    assert len(text) < 10_100
    assert text.startswith("line 0\nline 1\n")
    assert text.endswith("line 299999\n")
    assert re.search(r"\n\[\d+ bytes left out\]\n", text)


def test_escapes_are_not_shown(place: Path, sandbox: Sandbox | None) -> None:
    shown: list[str] = []
    outcome = _run(r"printf '\033]0;owned\007\033[2Jplain\033[0m\n'", place, sandbox, shell=True, shown=shown.append)
    assert shown == ["plain"]
    assert b"\x1b" in outcome.output.read_bytes()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL], ids=["Ctrl-C", "SIGKILL"])
def test_when_we_are_ended_it_is_ended(number: signal.Signals, place: Path, sandbox: Sandbox | None) -> None:
    """Ctrl-C and SIGKILL to the process that started it, while it ignores what can be ignored and has forked away."""
    stubborn = f"{BACKGROUND['ignores SIGTERM and SIGHUP']}\n{STUBBORN['ignores signals']}"
    code = (
        "import os, sys; from pathlib import Path\n"
        "from tinycode_git.git.sandbox import Errand, Sandbox, run\n"
        f"sandbox = Sandbox.find() if {sandbox is not None} else None\n"
        f"argv = [sys.executable, '-c', {stubborn!r}]\n"
        "here, env = Path.cwd(), dict(os.environ)\n"
        "run(Errand(argv, here, env, Path('out'), sandbox=sandbox, writable=[here], grace=0.5), print)\n"
    )
    ours = subprocess.Popen([sys.executable, "-c", code], cwd=place, env={**os.environ, "PYTHONPATH": str(ROOT)})
    wanted = time.monotonic() + 30
    while not ((place / "out").exists() and (place / "out").read_text() == "ready\n"):
        assert time.monotonic() < wanted
        time.sleep(0.05)
    assert len(marked()) >= 2
    ours.send_signal(number)
    ours.wait(30)
    wanted = time.monotonic() + 30
    while marked():
        assert time.monotonic() < wanted, [process.cmdline() for process in marked()]
        time.sleep(0.05)


def test_a_program_that_kills_who_watches_it(place: Path) -> None:
    code = (
        "import os, signal, time\n"
        "if os.fork() == 0:\n  os.setsid(); os.close(1); os.close(2); time.sleep(300)\n"
        "os.kill(os.getppid(), signal.SIGKILL); time.sleep(300)"
    )
    with pytest.raises(Incomplete, match="ended the process that watched over it"):
        _run(code, place, None)


HOSTILE = {
    "write": "open('{repo}/hello.txt', 'w').write('mine')",
    "delete": "import shutil; shutil.rmtree('{repo}')",
    "config": "open('{repo}/.git/config', 'a').write('[core]\\n\\tfsmonitor = evil\\n')",
    "hook": "open('{repo}/.git/hooks/pre-commit', 'w').write('evil')",
    "branch": "import subprocess; subprocess.run(['git', '-C', '{repo}', 'branch', '-D', 'other'], check=True)",
    "reset": "import subprocess; subprocess.run(['git', '-C', '{repo}', 'reset', '--hard', 'other'], check=True)",
    "stash": "import subprocess; subprocess.run(['git', '-C', '{repo}', 'stash'], check=True)",
    "home": "open('{home}/.bashrc', 'w').write('evil')",
    "mode": "import os; os.chmod('{repo}/hello.txt', 0o777)",
    "remount": "import subprocess; subprocess.run(['mount', '-o', 'remount,rw', '/'], check=True)",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_bubblewrap_keeps_the_users_files(name: str, repo: Repo, place: Path) -> None:
    if BWRAP is None:
        pytest.skip("bubblewrap is not installed, or may not make namespaces here")
    repo.git("branch", "other")
    repo.write("hello.txt", "uncommitted\n")
    before = Fingerprint.take(repo.path)
    home = set(Path.home().iterdir())
    outcome = _run(HOSTILE[name].format(repo=repo.path, home=Path.home()), place, BWRAP)
    assert outcome.code != 0, outcome.output.read_text()
    assert difference(before, before.again()) == ()
    assert set(Path.home().iterdir()) == home


@pytest.mark.parametrize("name", sorted(HOSTILE.keys() - {"home", "remount"}))
def test_without_a_sandbox_the_fingerprint_tells(name: str, repo: Repo, place: Path) -> None:
    repo.commit("second", {"hello.txt": "second\n"})
    repo.git("branch", "other", "HEAD~1")
    repo.write("hello.txt", "uncommitted\n")
    before = Fingerprint.take(repo.path)
    outcome = _run(HOSTILE[name].format(repo=repo.path, home=Path.home()), place, None)
    assert outcome.code == 0, outcome.output.read_text()
    assert difference(before, before.again())


def test_inside_it_can_write_where_it_may_and_sees_the_repository(repo: Repo, place: Path) -> None:
    if BWRAP is None:
        pytest.skip("bubblewrap is not installed, or may not make namespaces here")
    mark = Path("/tmp") / f"of-a-test-{os.getpid()}"
    code = (
        f"cat {repo.path}/hello.txt > copy && mktemp > /dev/null && echo x > {mark} && git -C {repo.path} log --oneline"
    )
    outcome = _run(code, place, BWRAP, shell=True)
    assert outcome.code == 0, outcome.output.read_text()
    assert (place / "copy").read_text() == "hello\n"
    assert not mark.exists()


def test_the_network_can_be_switched_off(place: Path) -> None:
    if BWRAP is None:
        pytest.skip("bubblewrap is not installed, or may not make namespaces here")
    code = "cat /proc/net/dev"
    with_network = _run(code, place, BWRAP, shell=True).output.read_text()
    without = _run(code, place, Sandbox.find(network=False), shell=True).output.read_text()
    assert [line.split(":")[0].strip() for line in without.splitlines()[2:]] == ["lo"]
    assert len(with_network.splitlines()) >= len(without.splitlines())
