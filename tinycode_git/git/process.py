"""The one seam through which git processes run.

Two ways to call git: ``quiet`` believes nothing that the repository configures (no hooks, fsmonitor, external diff,
replace refs, lazy fetches), for everything that reads or writes objects and git tiny's own refs; ``user`` runs git as
the user's own command would (hooks, filters, signing, merge drivers), for what an approval does.

Hooks import this module: no dataclasses and no pathlib here, which cost 10 and 3 ms a process.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

from tinycode_git.errors import Exit, Incomplete, Refused, TinyError
from tinycode_git.rows import NamedTuple

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

    import psutil

# git rev-parse --local-env-vars (git 2.39), less the ones that say how to read configuration given on the command line.
LOCAL_ENV = (
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_DIR",
    "GIT_GRAFT_FILE",
    "GIT_IMPLICIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_INTERNAL_SUPER_PREFIX",
    "GIT_NO_REPLACE_OBJECTS",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_QUARANTINE_PATH",
    "GIT_REPLACE_REF_BASE",
    "GIT_SHALLOW_FILE",
    "GIT_WORK_TREE",
)

# What a repository's own configuration could make git run, switched off: these settings outrank every file.
_QUIET = (
    "-c",
    "core.fsmonitor=false",
    "-c",
    "core.hooksPath=/dev/null",
    "-c",
    "core.untrackedCache=false",
    "-c",
    "protocol.allow=never",
    "-c",
    "gc.auto=0",
    "-c",
    "maintenance.auto=false",
    "-c",
    "core.pager=cat",
    "-c",
    "diff.external=",
    "-c",
    "log.showSignature=false",
)


# git takes an index that is not there for an empty one (this folder exists on no system, by convention).
_NOWHERE = "/nonexistent/index"

# How git passes on that the system would not let it write.
_UNWRITABLE = (
    "No space left on device",
    "Out of diskspace",
    "Disk quota exceeded",
    "Read-only file system",
    "File too large",
    "Input/output error",
    "insufficient permission for adding an object",
    "nable to create temporary file",
    "couldn't write '",  # a ref's lock file; git does not say why
    "unable to write new",  # of an index; nor here
)
# How git says that it has not an object that it was asked for, or cannot read it.
_LEFT_OUT = "from promisor remote"
_UNREADABLE = (
    "unable to read ",
    "missing blob",
    "missing tree",
    "missing commit",
    "bad object",
    "is corrupt",
    "is empty",
    _LEFT_OUT,
)


class GitFailed(TinyError):
    """A git process that ended with a code nobody expected; ``code`` and ``stderr`` are git's own."""

    def __init__(self, args: Sequence[str], code: int, stderr: bytes) -> None:
        text = stderr.decode("utf-8", "replace").strip()
        first = text.splitlines()[0] if text else f"ended by signal {-code}" if code < 0 else f"exit code {code}"
        for label in ("fatal: ", "error: "):
            first = first.removeprefix(label)
        if _LEFT_OUT in text:
            first = "objects that this partial clone left out could not be fetched"
        super().__init__(f"git {_verb(args)} failed: {first}", detail=text if "\n" in text else "")
        self.code = code
        self.stderr = text
        if any(words in text for words in _UNREADABLE):
            self.exit = Exit.INCOMPLETE
            self.hint = (
                "an object is missing or damaged: git fsck says more; git fetch --refetch --no-filter brings it again"
            )
        if any(words in text for words in _UNWRITABLE):
            self.exit = Exit.INCOMPLETE
            self.hint = "is the disk full, or the repository read-only? put that right and try again"


def _verb(args: Sequence[str]) -> str:
    """What git was asked to do, past its own options."""
    rest = list(args)
    while rest[:1] == ["-c"]:
        del rest[:2]
    return rest[0] if rest else ""


class Completed(NamedTuple):
    """How a process ended: exit code (negative: the signal), standard output, standard error."""

    code: int
    out: bytes
    err: bytes

    @property
    def text(self) -> str:
        """Standard output without its last newline, bytes that are not UTF-8 kept as surrogates."""
        return self.out.decode("utf-8", "surrogateescape").removesuffix("\n")


class Git(NamedTuple):
    """git for one repository: where to run, what to scrub, what to set.

    ``cwd`` is where git starts; ``env`` is set on top of the scrubbed environment.
    """

    cwd: Path
    env: Mapping[str, str]

    def setting(self, **env: str) -> Git:
        """The same repository with further environment variables."""
        return self._replace(env={**self.env, **env})

    def without_index(self) -> Git:
        """For ``diff-tree``, which reads the whole index first and has no use for it: 20 ms at 100,000 files."""
        return self.setting(GIT_INDEX_FILE=_NOWHERE)

    def at(self, cwd: Path) -> Git:
        """The same settings, started elsewhere."""
        return self._replace(cwd=cwd)

    def environment(self, *, parsed: bool = True) -> dict[str, str]:
        """The whole environment of a child: repository variables scrubbed, then ours set."""
        env = {name: value for name, value in os.environ.items() if name not in LOCAL_ENV}
        env["GIT_NO_REPLACE_OBJECTS"] = "1"
        env["GIT_GRAFT_FILE"] = f"{os.devnull}/none"  # a file that is there would be warned about
        env["GIT_TERMINAL_PROMPT"] = "0"
        if parsed:
            env["LC_ALL"] = "C"
            env["GIT_OPTIONAL_LOCKS"] = "0"
        env.update(self.env)
        return env

    def quiet(
        self, *args: str, stdin: bytes = b"", ok: Sequence[int] = (0,), timeout: float | None = None
    ) -> Completed:
        """Run git believing nothing that the repository configures; see the module. Raises GitFailed."""
        return self._run([*_QUIET, *args], args, stdin, ok, self.environment(), timeout)

    def user(
        self,
        *args: str,
        stdin: bytes = b"",
        ok: Sequence[int] = (0,),
        timeout: float | None = None,
        own_session: bool = False,
    ) -> Completed:
        """Run git as the user's own command would: hooks, filters, signing take part. Raises GitFailed.

        With ``own_session`` a Ctrl-C at the terminal reaches us alone, so that git is not stopped half-way.
        """
        env = self.environment(parsed=False)
        return self._run(list(args), args, stdin, ok, env, timeout, own_session=own_session)

    def _run(
        self,
        argv: list[str],
        shown: Sequence[str],
        stdin: bytes,
        ok: Sequence[int],
        env: dict[str, str],
        timeout: float | None,
        *,
        own_session: bool = True,
    ) -> Completed:
        with _Started(["git", *argv], self.cwd, env, own_session=own_session) as child:
            try:
                out, err = child.communicate(stdin, timeout)
            except subprocess.TimeoutExpired as late:
                end_tree(child)
                raise Refused(
                    f"git {_verb(shown)} did not end within {timeout:.0f} s and was ended",
                    "a program that git called hangs (a signing program, a filter, a hook): run it by hand to see why",
                ) from late
        if child.returncode not in ok:
            raise GitFailed(shown, child.returncode, err)
        return Completed(child.returncode, out, err)

    def lines(self, *args: str, stdin: bytes = b"") -> list[str]:
        """NUL-separated output of a quiet call, as text."""
        return rows(self.quiet(*args, stdin=stdin).out)

    @contextmanager
    def started(self, *args: str, ok: Sequence[int] = (0,)) -> Iterator[Callable[[], Completed]]:
        """A quiet git process that runs beside us; calling what is yielded waits for its end. Raises GitFailed."""
        with _Started(["git", *_QUIET, *args], self.cwd, self.environment()) as child:

            def ended() -> Completed:
                out, err = child.communicate()
                if child.returncode not in ok:
                    raise GitFailed(args, child.returncode, err)
                return Completed(child.returncode, out, err)

            yield ended

    @contextmanager
    def beside(self, *args: str, stdin: bytes = b"", ok: Sequence[int] = (0,)) -> Iterator[Callable[[], Completed]]:
        """As ``started``, for any amount of output: git writes to a file and never waits for us to read."""
        import tempfile

        with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            given.write(stdin)
            given.seek(0)
            argv = ["git", *_QUIET, *args]
            ends = given.fileno(), out.fileno(), err.fileno()
            started = _Started(argv, self.cwd, self.environment(), stdin=ends[0], stdout=ends[1], stderr=ends[2])
            with started as child:

                def ended() -> Completed:
                    child.wait()
                    out.seek(0)
                    err.seek(0)
                    done = Completed(child.returncode, out.read(), err.read())
                    if done.code not in ok:
                        raise GitFailed(args, done.code, done.err)
                    return done

                yield ended

    @contextmanager
    def pipe(self, *args: str) -> Iterator[Pipe]:
        """A quiet git process that answers as long as the block runs (``cat-file --batch``)."""
        started = _Started(["git", *_QUIET, *args], self.cwd, self.environment(), stderr=subprocess.DEVNULL)
        with started as child:
            assert child.stdin is not None
            assert child.stdout is not None
            yield Pipe(child.stdin, child.stdout)

    @contextmanager
    def fed(self, *args: str, stdin: bytes) -> Iterator[IO[bytes]]:
        """The output of a quiet git process as it comes, its input from a file. Raises GitFailed at the end."""
        import tempfile

        with tempfile.TemporaryFile() as file:
            file.write(stdin)
            file.seek(0)
            argv = ["git", *_QUIET, *args]
            started = _Started(argv, self.cwd, self.environment(), stderr=subprocess.DEVNULL, stdin=file.fileno())
            with started as child:
                assert child.stdout is not None
                yield child.stdout
            if child.returncode:
                raise GitFailed(args, child.returncode, b"")

    @contextmanager
    def writing(self, descriptor: int, *args: str) -> Iterator[Writing]:
        """A quiet git process whose standard output is an open file of ours, whose offset it shares."""
        argv = ["git", *_QUIET, *args]
        started = _Started(argv, self.cwd, self.environment(), stderr=subprocess.DEVNULL, stdout=descriptor)
        with started as child:
            assert child.stdin is not None
            yield Writing(child.stdin, lambda: child.poll() is None)


def rows(out: bytes) -> list[str]:
    """NUL-separated output as text, bytes that are not UTF-8 kept as surrogates."""
    return [part.decode("utf-8", "surrogateescape") for part in out.split(b"\0") if part]


class Writing(NamedTuple):
    """A process that writes to a file of ours: its standard input, and whether it still runs."""

    stdin: IO[bytes]
    runs: Callable[[], bool]


class Pipe(NamedTuple):
    """Both ends of a running process."""

    stdin: IO[bytes]
    stdout: IO[bytes]


class _Started:
    """A child that is ended, with everything it started, when the block fails.

    A child that may ask the user something (a signing program) stays in our session: without a controlling terminal
    ssh-keygen and pinentry cannot ask.
    """

    def __init__(
        self,
        argv: list[str],
        cwd: Path,
        env: dict[str, str],
        *,
        own_session: bool = True,
        stderr: int = subprocess.PIPE,
        stdout: int = subprocess.PIPE,
        stdin: int = subprocess.PIPE,
    ) -> None:
        self.argv, self.cwd, self.env, self.own_session = argv, cwd, env, own_session
        self.stderr, self.stdout, self.stdin = stderr, stdout, stdin

    def __enter__(self) -> subprocess.Popen[bytes]:
        try:
            self.child = subprocess.Popen(
                self.argv,
                cwd=self.cwd,
                env=self.env,
                stdin=self.stdin,
                stdout=self.stdout,
                stderr=self.stderr,
                start_new_session=self.own_session,
            )
        except FileNotFoundError as missing:
            if not os.path.isdir(self.cwd):  # noqa: PTH112 - pathlib costs a hook 3 ms
                raise Refused(f"there is no folder {self.cwd}") from missing
            raise Incomplete("git is not installed", "install git 2.38 or newer") from missing
        return self.child

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            end_tree(self.child)
        for stream in (self.child.stdin, self.child.stdout, self.child.stderr):
            if stream is not None and not stream.closed:
                try:
                    stream.close()
                except BrokenPipeError:
                    pass
        self.child.wait()


def end_tree(child: subprocess.Popen[bytes], grace: float = 2.0) -> None:
    """End a child and everything it started: asked first, killed after ``grace`` seconds."""
    if child.poll() is not None:
        return
    import psutil

    try:
        family = [*psutil.Process(child.pid).children(recursive=True), psutil.Process(child.pid)]
    except psutil.NoSuchProcess:
        return
    for member in family:
        _signal(member, signal.SIGTERM)
    _, alive = psutil.wait_procs(family, timeout=grace)
    for member in alive:
        _signal(member, signal.SIGKILL)


def _signal(process: psutil.Process, number: int) -> None:
    import psutil

    try:
        process.send_signal(number)
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        pass
