"""A model's words about evidence: what is borne out stays, what is not is removed, counted and said."""

from __future__ import annotations

from tests.history.hostile import HONEST, HOSTILE, LINE, Said, ground, named
from tests.repos import Repo
from tinycode_git.commands.explaining import exhibits_of
from tinycode_git.git.read import ReadRepo
from tinycode_git.history.asking import asked_about
from tinycode_git.history.claims import Claim, read_claims
from tinycode_git.history.commits import explain_commit
from tinycode_git.history.exhibits import Exhibit
from tinycode_git.history.lines import explain_lines
from tinycode_git.history.prose import Bench, Removed, Sentence, Why, held
from tinycode_git.render.escape import is_visible


class Court:
    """The ground with its exhibits for each question."""

    def __init__(self, repo: Repo) -> None:
        self.oids = ground(repo)
        self.repo = ReadRepo.discover(repo.path)
        self._exhibits: dict[str, list[Exhibit]] = {}

    def exhibits(self, asked: str) -> list[Exhibit]:
        """What is held against: made once a question."""
        if asked not in self._exhibits:
            found = asked_about(self.repo, named(asked, self.oids))
            assert found is not None
            gather = explain_lines if found.kind == "lines" else explain_commit
            self._exhibits[asked] = exhibits_of(self.repo, gather(self.repo, found))
        return self._exhibits[asked]

    def judge(self, said: Said) -> tuple[tuple[Sentence, ...], tuple[Removed, ...], int]:
        """What stays of an answer, and what went."""
        exhibits = self.exhibits(said.asked)
        by_oid = {one.oid: one.id for one in exhibits}
        text = named(said.text, {name: by_oid.get(oid, "E999") for name, oid in self.oids.items()})
        read = read_claims(text)
        bench = Bench({one.id: one for one in exhibits}, frozenset(one.id for one in exhibits), is_visible)
        kept, removed, _ = held(read.claims, bench)
        return kept, removed, read.malformed


def test_of_hostile_answers_nothing_survives_that_is_not_borne_out(repo: Repo) -> None:
    court = Court(repo)
    assert len(HOSTILE) >= 60
    for said in HOSTILE:
        kept, removed, malformed = court.judge(said)
        assert tuple((one.text, one.kind.value) for one in kept) == said.holds, (said.name, kept)
        assert said.holds or removed or malformed or said.text in ("{}", "null"), said.name


WHY = {
    "an id that does not exist": Why.NO_EVIDENCE,
    "no id at all": Why.NO_EVIDENCE,
    "a commit that does not touch the line": Why.NOT_TOUCHING,
    "a commit that is no ancestor": Why.NOT_ANCESTOR,
    "an invented quote": Why.QUOTE,
    "a quote of two letters": Why.QUOTE,
    "a longer number": Why.NAME,
    "a word with a look-alike letter": Why.NAME,
    "a move that was none": Why.DEED,
    "a cause of its own": Why.WORDS,
    "words that say nothing": Why.WORDS,
    "a denial": Why.NEGATION,
    "an order to approve": Why.ORDER,
    "an order in the quote": Why.ORDER,
    "a terminal escape": Why.HIDDEN,
    "the same again and again": Why.AGAIN,
}


def test_each_is_removed_for_its_own_reason(repo: Repo) -> None:
    court = Court(repo)
    by_name = {said.name: said for said in HOSTILE}
    for name, why in WHY.items():
        _, removed, _ = court.judge(by_name[name])
        assert {one.why for one in removed} == {why}, name
    assert {*WHY.values(), Why.FORM, Why.NOT_SHOWN} == set(Why)


def test_what_was_not_shown_cannot_be_cited(repo: Repo) -> None:
    court = Court(repo)
    exhibits = {one.id: one for one in court.exhibits(LINE)}
    claim = Claim("The limit was raised.", ("E2",))
    assert held([claim], Bench(exhibits, frozenset(("E2",)), is_visible))[0]
    ((removed,), _) = held([claim], Bench(exhibits, frozenset(("E1",)), is_visible))[1:]
    assert (removed.why, removed.what) == (Why.NOT_SHOWN, "E2")


def test_of_honest_answers_nothing_is_lost(repo: Repo) -> None:
    court = Court(repo)
    for said in HONEST:
        kept, removed, malformed = court.judge(said)
        assert tuple((one.text, one.kind.value) for one in kept) == said.holds, (said.name, removed)
        assert not removed and not malformed
