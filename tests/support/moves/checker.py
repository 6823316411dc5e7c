"""Judges what clients saw, knowing nothing of buckets: only what was asked, when, and what came back.

An answer counts against a later search only if it had been received before that search was sent.
"""

import heapq
from bisect import bisect_left, bisect_right, insort
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.moves.records import Answer, Deletion, Write, read_journals

_EXAMPLES = 10


@dataclass
class Verdict:
    checks: int = 0  #: assets looked at in searches, one by one
    searches: int = 0
    pages: int = 0
    writes: int = 0
    excused: int = 0  #: searches that failed while the index was down on purpose
    #: By kind: duplicate, gap, older, resurrected, failed search, failed write.
    anomalies: Counter[str] = field(default_factory=Counter)
    examples: list[str] = field(default_factory=list)

    def count(self, kind: str, what: object) -> None:
        self.anomalies[kind] += 1
        if self.anomalies[kind] <= _EXAMPLES:
            self.examples.append(f"{kind}: {what}")

    def __str__(self) -> str:
        found = ", ".join(f"{count} {kind}" for kind, count in sorted(self.anomalies.items())) or "no anomalies"
        excused = f", {self.excused} failed while the index was down" if self.excused else ""
        searches = f"{self.searches} searches ({self.pages} pages{excused})"
        return f"{self.checks} checks in {searches}, {self.writes} writes: {found}"


def judge(folder: Path, outages: Sequence[tuple[float, float]] = ()) -> Verdict:
    """What the clients whose files lie there saw; between the ends of an outage a search may fail."""
    deletions = [deletion for client in read_journals(folder, Deletion) for deletion in client]
    writes = [write for client in read_journals(folder, Write) for write in client]
    answers = heapq.merge(*read_journals(folder, Answer), key=lambda answer: answer.received_s)
    return judged(answers, writes, deletions, outages)


def judged(
    answers: Iterable[Answer],
    writes: Iterable[Write] = (),
    deletions: Iterable[Deletion] = (),
    outages: Sequence[tuple[float, float]] = (),
) -> Verdict:
    """`answers` in the order in which they were received."""
    verdict = Verdict()
    for write in writes:
        verdict.writes += 1
        if write.failed:
            verdict.count("failed write", write)
    checker = _Checker(verdict, deletions)
    for answer in answers:
        verdict.searches += 1
        verdict.pages += answer.pages
        if not answer.failed:
            checker.check(answer)
        elif any(answer.received_s > begins and answer.sent_s < ends for begins, ends in outages):
            verdict.excused += 1
        else:
            verdict.count("failed search", answer.failed)
    return verdict


class _Checker:
    def __init__(self, verdict: Verdict, deletions: Iterable[Deletion]) -> None:
        self._verdict = verdict
        self._asked_s: dict[str, float] = {}
        for deletion in deletions:
            self._asked_s[deletion.asset_id] = min(
                deletion.asked_s, self._asked_s.get(deletion.asset_id, deletion.asked_s)
            )
        #: By id, when an answer raised the revision that is known, and to which.
        self._seen: dict[str, list[tuple[float, int]]] = {}
        self._order: list[str] = []
        #: By id, when an answer no longer showed it, its deletion having been asked for.
        self._gone_s: dict[str, float] = {}
        self._paging: int | None = None
        self._paged: set[str] = set()

    def check(self, answer: Answer) -> None:
        shown = self._shown_once(answer)
        looked_at = set(self._expected(answer)) | shown.keys()
        self._verdict.checks += len(looked_at)
        for asset_id in looked_at:
            least = self._revision_before(asset_id, answer.sent_s)
            if asset_id in shown:
                self._check_shown(answer, asset_id, shown[asset_id], least)
            elif least is not None:
                self._check_absent(answer, asset_id, least)
        for asset_id, revision in shown.items():
            self._learn(asset_id, revision, answer.received_s)

    def _shown_once(self, answer: Answer) -> dict[str, int]:
        shown = dict(answer.shown)
        if len(shown) < len(answer.shown):
            times = Counter(asset_id for asset_id, _ in answer.shown)
            for asset_id in (asset_id for asset_id, count in times.items() if count > 1):
                self._verdict.count("duplicate", f"{asset_id} {times[asset_id]} times in one answer, {_when(answer)}")
        if answer.pages:
            if answer.paging != self._paging:
                self._paging, self._paged = answer.paging, set()
            for asset_id in shown.keys() & self._paged:
                self._verdict.count("duplicate", f"{asset_id} on two pages, {_when(answer)}")
            self._paged |= shown.keys()
        return shown

    def _expected(self, answer: Answer) -> Iterator[str]:
        """What was asked for, of all that is known so far."""
        if answer.asked is not None:
            yield from answer.asked
        else:
            first = 0 if answer.low is None else bisect_right(self._order, answer.low)
            last = len(self._order) if answer.high is None else bisect_left(self._order, answer.high)
            yield from self._order[first:last]

    def _check_shown(self, answer: Answer, asset_id: str, revision: int, least: int | None) -> None:
        if least is not None and revision < least:
            self._verdict.count("older", f"{asset_id} at {revision}, before at {least}, {_when(answer)}")
        gone_s = self._gone_s.get(asset_id)
        if gone_s is not None and gone_s < answer.sent_s:
            self._verdict.count("resurrected", f"{asset_id} at {revision}, gone at {gone_s:.3f}, {_when(answer)}")

    def _check_absent(self, answer: Answer, asset_id: str, least: int) -> None:
        asked_s = self._asked_s.get(asset_id)
        if asked_s is None or asked_s > answer.received_s:
            self._verdict.count("gap", f"{asset_id}, before at {least}, {_when(answer)}")
        else:
            self._gone_s.setdefault(asset_id, answer.received_s)

    def _revision_before(self, asset_id: str, sent_s: float) -> int | None:
        for received_s, revision in reversed(self._seen.get(asset_id, ())):
            if received_s < sent_s:
                return revision
        return None

    def _learn(self, asset_id: str, revision: int, received_s: float) -> None:
        seen = self._seen.get(asset_id)
        if seen is None:
            self._seen[asset_id] = [(received_s, revision)]
            insort(self._order, asset_id)
        elif revision > seen[-1][1]:
            seen.append((received_s, revision))


def _when(answer: Answer) -> str:
    return f"sent {answer.sent_s:.3f}, received {answer.received_s:.3f}"
