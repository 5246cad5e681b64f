"""Rules that come with a repository, compiled in a process of limited time and memory and kept in the user's cache."""

from __future__ import annotations

import marshal
import os
import subprocess
import sys
from collections.abc import Sequence
from hashlib import sha256

from tinycode_git.errors import Refused
from tinycode_git.safety import places
from tinycode_git.safety.engine import Engine
from tinycode_git.safety.opening import Policy
from tinycode_git.safety.rule import Rule
from tinycode_git.safety.ruleset import RuleSet, load_compiled, pack, restore, store

SECONDS = 10
MEMORY = 1 << 30
MOST_RULES = 2000


def with_project_rules(engine: Engine, policy: Policy) -> tuple[Engine, tuple[str, ...]]:
    """The engine with the rules of the project's own files beside it, and lines for the user. Raises Refused."""
    rules, notes = list(policy.project.rules), list[str]()
    if policy.foreign:
        from tinycode_git.safety.gitleaks import parse_foreign

        foreign = parse_foreign(policy.foreign)
        rules += foreign.rules
        notes += foreign.notes
    if not rules:
        return engine, tuple(notes)
    taken = {rule.id for rule in engine.rules}
    for rule in rules:
        if rule.id in taken:
            raise Refused(
                f"{rule.source}:{rule.line}: rule {rule.id} is one of git tiny's own", "give the rule another id"
            )
        taken.add(rule.id)
    return Engine(engine.ruleset, engine.key, Engine(_compiled(rules), engine.key)), tuple(notes)


def _compiled(rules: Sequence[Rule]) -> RuleSet:
    if len(rules) > MOST_RULES:
        raise Refused(f"the project brings {len(rules)} rules of its own; {MOST_RULES} are the most")
    plain = marshal.dumps([tuple(rule) for rule in rules], 2)
    key = sha256(plain).hexdigest()[:32]
    file = os.path.join(places.cache(), f"project-{key}.bin")
    known = load_compiled(file, key)
    if known is not None:
        return known
    raw = _in_a_process(plain)
    store(file, key, raw)
    return restore(raw)


def _in_a_process(plain: bytes) -> bytes:
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-m", "tinycode_git.safety.projectrules"],
            input=plain,
            capture_output=True,
            timeout=SECONDS * 3,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
            check=False,
        )
    except subprocess.TimeoutExpired as late:
        raise _too_much() from late
    if done.returncode == 1:
        raise Refused(done.stderr.decode("utf-8", "replace").strip(), "git tiny rules test FILE checks a rule file")
    if done.returncode:
        raise _too_much()
    return done.stdout


def _too_much() -> Refused:
    return Refused(
        f"the project's own rules do not compile within {SECONDS} s and {MEMORY >> 20} MB",
        "make the repetitions in .tiny.toml or .gitleaks.toml smaller",
    )


def _limited() -> int:
    import resource

    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    if sys.platform != "darwin":  # macOS does not honour it
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    from tinycode_git.errors import TinyError

    rows = marshal.loads(sys.stdin.buffer.read())  # noqa: S302 - plain values, from the process that started us
    try:
        sys.stdout.buffer.write(pack([Rule(*row) for row in rows]))
    except TinyError as bad:
        sys.stderr.write(bad.message)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(_limited())
