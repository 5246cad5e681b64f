"""What most of a model's answers to one question agree on: the same kind of finding, on the same or the next line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median_low

from tinycode_git.review.answer import SEVERITIES, Claim

_NEAR = 1
# One answer alone is less sure than it says.
_ALONE = 0.8


@dataclass(frozen=True, slots=True)
class Agreed:
    """A claim with how many answers made it, of how many; as severe as the mildest of them, as sure as they are."""

    claim: Claim
    votes: int
    of: int

    @property
    def certainty(self) -> float:
        """0 to 1: how sure the answers were, times how many they were."""
        share = self.votes / self.of if self.of > 1 else _ALONE
        return round(self.claim.certainty * share, 3)


def needed(of: int) -> int:
    """How many of ``of`` answers are most."""
    return of // 2 + 1


def open_still(samples: Sequence[Sequence[Claim]], of: int) -> bool:
    """Whether answers that are still to come, to ``of`` in all, can bring anything to a majority."""
    best = max((len({n for n, _ in group}) for group in _groups(samples)), default=0)
    return best + of - len(samples) >= needed(of)


def agreed(samples: Sequence[Sequence[Claim]], of: int) -> tuple[list[Agreed], int]:
    """What more than half of ``of`` answers say, and how many claims of the others are left over."""
    kept: list[Agreed] = []
    left = 0
    for group in _groups(samples):
        votes = len({number for number, _ in group})
        if votes >= needed(of):
            kept.append(Agreed(_spoken([claim for _, claim in group]), votes, of))
        else:
            left += len(group)
    return kept, left


def _groups(samples: Sequence[Sequence[Claim]]) -> Iterator[list[tuple[int, Claim]]]:
    """Claims of one kind on one place: lines at most ``_NEAR`` from the one that most answers name."""
    by_kind: dict[tuple[str, str], list[tuple[int, Claim]]] = {}
    for number, claims in enumerate(samples):
        for claim in claims:
            by_kind.setdefault((claim.row.path, claim.kind), []).append((number, claim))
    for waiting in by_kind.values():
        while waiting:
            lines = Counter(claim.row.line for _, claim in waiting)
            centre = max(lines, key=lambda line: (_votes(waiting, line), lines[line], -line))
            yield [one for one in waiting if abs(one[1].row.line - centre) <= _NEAR]
            waiting = [one for one in waiting if abs(one[1].row.line - centre) > _NEAR]


def _votes(claims: Sequence[tuple[int, Claim]], line: int) -> int:
    return len({number for number, claim in claims if abs(claim.row.line - line) <= _NEAR})


def _spoken(claims: Sequence[Claim]) -> Claim:
    """The claim that speaks for its group: on the middle one of its lines, the surest, the first."""
    line = median_low(claim.row.line for claim in claims)
    said = max((claim for claim in claims if claim.row.line == line), key=lambda claim: claim.certainty)
    mildest = min((claim.severity for claim in claims), key=SEVERITIES.index)
    mean = sum(claim.certainty for claim in claims) / len(claims)
    return Claim(said.row, said.kind, said.what, said.why, mildest, mean, said.fix)
