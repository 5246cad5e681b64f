"""A signal while modules are loaded, here and in the background: it ends the process soon, and holds up nothing."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.repos import ROOT

PROGRAM = """
import importlib, signal, sys, threading, time
from tinycode_git.boundary import guarded
from tinycode_git.commands.opening import preload
def action() -> int:
{body}
    return 0
sys.exit(guarded(action))
"""


def started(body: str, world: Path) -> subprocess.Popen[bytes]:
    """A program of ours whose action is ``body``, once it says that it is ready."""
    indented = "\n".join(f"    {line}" for line in body.splitlines())
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(world)])}
    argv = [sys.executable, "-c", PROGRAM.replace("{body}", indented)]
    child = subprocess.Popen(argv, cwd=world, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert child.stdout is not None
    assert child.stdout.readline() == b"ready\n"
    return child


LOADING = """\
def load():
    for name in ("one", "two", "three"):
        sys.modules.pop(name, None)
        importlib.import_module(name)
print("ready", flush=True)
try:
    while True:
        load()
finally:
    other = threading.Thread(target=load, daemon=True)
    other.start()
    other.join(10)
    print("another thread waits for ever" if other.is_alive() else "free", flush=True)"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_it_leaves_no_lock_of_the_import_system_behind(world: Path, number: signal.Signals) -> None:
    for name in ("one", "two", "three"):
        (world / f"{name}.py").write_text("class Thing:\n    pass\n")
    for _ in range(3):
        with started(LOADING, world) as child:
            time.sleep(random.uniform(0.01, 0.1))
            child.send_signal(number)
            assert child.communicate(timeout=60) == (b"free\n", b"error: interrupted\n")
            assert child.returncode == 130


HANGING = "import time\ntime.sleep(300)\n"


def test_what_hangs_in_the_background_is_not_waited_for(world: Path) -> None:
    (world / "hanging.py").write_text(HANGING)
    with started('preload("hanging")\nprint("ready", flush=True)', world) as child:
        assert child.communicate(timeout=60) == (b"", b"")
        assert child.returncode == 0


@pytest.mark.parametrize("first", ['preload("hanging")', "pass"], ids=["in the background", "here"])
def test_a_load_that_hangs_can_be_ended(world: Path, first: str) -> None:
    (world / "hanging.py").write_text(HANGING)
    with started(f'{first}\nprint("ready", flush=True)\nimport hanging', world) as child:
        time.sleep(0.1)
        child.send_signal(signal.SIGTERM)
        assert child.communicate(timeout=60) == (b"", b"error: interrupted\n")
        assert child.returncode == 130


def test_while_a_class_is_made(world: Path) -> None:
    body = """\
class Interrupted:
    def __set_name__(self, owner, name):
        raise KeyboardInterrupt
print("ready", flush=True)
type("Made", (), {"field": Interrupted()})"""
    with started(body, world) as child:
        assert child.communicate(timeout=60) == (b"", b"error: interrupted\n")
        assert child.returncode == 130


FORKING = """\
import os
from tinycode_git.ending import fork, release_signals
def slow():
    print("ready", flush=True)
    time.sleep(1)
os.register_at_fork(after_in_parent=slow)
child = fork()
if not child:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    release_signals()
    os._exit(0)
os.waitpid(child, 0)
print("nobody said that it is to end", flush=True)"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_in_the_middle_of_a_fork_is_not_lost(world: Path, number: signal.Signals) -> None:
    with started(FORKING, world) as child:
        child.send_signal(number)
        out, err = child.communicate(timeout=30)
    assert (child.returncode, out, err) == (130, b"", b"error: interrupted\n")
