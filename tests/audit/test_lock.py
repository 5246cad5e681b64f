"""Waiting for a lock ends."""

from __future__ import annotations

import signal
import subprocess
import threading
from pathlib import Path

import pytest

from tests.audit.logs import python
from tinycode_git.audit.lock import locked, shared
from tinycode_git.errors import Incomplete

HOLDER = """
import sys, time
from pathlib import Path
from tinycode_git.audit.lock import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(float(sys.argv[2]))
"""


def holder(path: Path, seconds: float) -> subprocess.Popen[bytes]:
    child = python(HOLDER, str(path), str(seconds), stdout=subprocess.PIPE)
    assert child.stdout is not None
    assert child.stdout.readline() == b"held\n"
    return child


def test_a_stopped_holder_does_not_stop_everyone(tmp_path: Path) -> None:
    with holder(tmp_path / "lock", 600) as child:
        child.send_signal(signal.SIGSTOP)
        for wait in (locked, shared):
            with (
                pytest.raises(Incomplete, match="another process has held lock"),
                wait(tmp_path / "lock", patience=0.1),
            ):
                pass
        child.kill()
    with locked(tmp_path / "lock", patience=5):
        pass
    assert signal.getsignal(signal.SIGALRM) == signal.SIG_DFL
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


def test_a_waiter_gets_its_turn_in_any_thread(tmp_path: Path) -> None:
    got: list[str] = []

    def wait(name: str) -> None:
        with locked(tmp_path / "lock", patience=30):
            got.append(name)

    with holder(tmp_path / "lock", 0.3):
        thread = threading.Thread(target=wait, args=["thread"])
        thread.start()
        wait("main")
        thread.join()
    assert sorted(got) == ["main", "thread"]


def test_a_lock_that_was_never_made_holds_nobody_out(tmp_path: Path) -> None:
    with shared(tmp_path / "lock"):
        pass
    assert not (tmp_path / "lock").exists()
