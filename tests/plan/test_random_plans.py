"""Over random repositories and plans: the tree is git's, apply then rollback is the identity, redo is exact."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from tests.plan.plans import execute_in, ledger_in, make_from, state
from tests.repos import Repo
from tests.strategies import Case, build, cases, soil, tree_after
from tests.world import sealed
from tinycode_git.errors import Refused
from tinycode_git.git.refs import RefMove
from tinycode_git.plan.approve import approve, prepare
from tinycode_git.plan.store import find_plan
from tinycode_git.plan.undo import carry_out, prepare_redo, prepare_rollback


def apply_here(repo: Repo, plan_id: str) -> str:
    handle = execute_in(repo.path)
    return approve(handle, ledger_in(repo.path), prepare(handle, find_plan(handle, plan_id))).merge


def undo_here(repo: Repo, plan_id: str, verb: str, *, revert: bool = False) -> str:
    handle = execute_in(repo.path)
    plan = find_plan(handle, plan_id)
    undo = prepare_rollback(handle, plan, revert=revert) if verb == "rollback" else prepare_redo(handle, plan)
    return carry_out(handle, ledger_in(repo.path), undo).tip


def check(case: Case) -> None:
    with tempfile.TemporaryDirectory() as folder, sealed(Path(folder)) as world:
        repo = build(world / "repo", case.base)
        soil(repo, case.dirt)
        before = state(repo)
        plan = make_from(repo, list(case.steps))
        assert state(repo) == before
        assert repo.oid(f"{plan.tip}^{{tree}}") == tree_after(repo, "main", case.steps)
        net_nothing = repo.oid(f"{plan.tip}^{{tree}}") == repo.oid("main^{tree}")

        if net_nothing:
            with pytest.raises(Refused, match="already"):
                apply_here(repo, plan.id)
            assert state(repo) == before
            return
        merge = apply_here(repo, plan.id)
        applied = state(repo)
        assert repo.oid("main") == merge
        assert repo.oid("main^{tree}") == repo.oid(f"{plan.tip}^{{tree}}")
        assert undo_here(repo, plan.id, "rollback") == repo.oid("main")
        assert state(repo) == before
        assert undo_here(repo, plan.id, "redo") == merge
        assert state(repo) == applied

        handle = execute_in(repo.path)
        handle.move_branches([RefMove("refs/remotes/origin/main", "", merge)], "published")
        undo_here(repo, plan.id, "rollback")
        assert repo.oid("main^") == merge
        assert repo.oid("main^{tree}") == repo.oid("main~2^{tree}")
        undo_here(repo, plan.id, "redo")
        assert repo.oid("main^{tree}") == repo.oid(f"{merge}^{{tree}}")
        assert state(repo)[0] == applied[0]
        repo.fsck()


_QUICK = settings(
    max_examples=6,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)


@_QUICK
@given(cases())
def test_random_plans_come_and_go_without_a_trace(case: Case) -> None:
    check(case)


@pytest.mark.slow
@settings(_QUICK, max_examples=300, phases=list(Phase))
@given(cases())
def test_many_random_plans_come_and_go_without_a_trace(case: Case) -> None:
    check(case)
