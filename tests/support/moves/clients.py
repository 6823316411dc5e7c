"""The clients that write, search and page while something moves, each a process of its own."""

import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

import orjson

from tests.support.move_campaign import PAGES_PER_S, SEARCHES_PER_S, SEED, WRITES_PER_S
from tests.support.moves.checker import Verdict, judge
from tests.support.moves.client import Order, adopted_by, cold, hot, look_at_all
from tests.support.moves.records import Answer, read_journals
from tests.support.service.processes import AmpProcess
from tests.support.stack.waiting import wait_until

REPOSITORY = Path(__file__).resolve().parents[3]
_WRITERS, _SEARCHERS, _THREADS = 2, 2, 4
#: Assets one writer has to itself from the start, at most, and all of them together.
_ADOPTED_MOST, _ADOPTED_SHARE = 300, 0.5
_FIRST_ANSWERS_S, _LAST_ANSWERS_S = 30, 90


class Clients:
    """Run while entered. Before, everything was looked at once, so that from the first search on all is expected."""

    def __init__(
        self,
        url: str,
        folder: Path,
        born_ms: tuple[int, int],
        *,
        page: int,
        writes_per_s: float = WRITES_PER_S,
        searches_per_s: float = SEARCHES_PER_S,
    ) -> None:
        folder.mkdir()
        self.folder = folder
        self._url = url
        self._born_ms = born_ms
        self._page = page
        self._began_s = 0.0
        self._outages: list[tuple[float, float]] = []
        orders = [self._order("write", f"writer{n}", writes_per_s / _WRITERS) for n in range(_WRITERS)]
        orders += [self._order("search", f"searcher{n}", searches_per_s / _SEARCHERS) for n in range(_SEARCHERS)]
        orders += [self._order("page", "pager", PAGES_PER_S)]
        self._writers = [order for order in orders if order.kind == "write"]
        self._processes = [self._process(order) for order in orders]

    def __enter__(self) -> Self:
        shown = look_at_all(self._url, self.folder)
        cold(self.folder).add(shown)
        self._adopt(shown)
        self._began_s = time.monotonic()
        for process in self._processes:
            process.start()
        try:
            every = 1 + self._seekers
            wait_until(lambda: len(self._journals()) == every, _FIRST_ANSWERS_S, "every client's first search")
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        died = [process for process in self._processes if not process.running]
        self.stop()
        # They have nothing to say unless something is wrong with them.
        failed = died + [process for process in self._processes if process.log.stat().st_size]
        assert not failed, "\n".join(process.log_tail() for process in failed)

    def stop(self) -> None:
        for process in self._processes:
            process.stop(_LAST_ANSWERS_S)

    def run_for(self, seconds: float) -> None:
        """The clients' own time, spent without doing anything else."""
        until_s = time.monotonic() + seconds
        wait_until(lambda: time.monotonic() >= until_s, seconds + 1, "time to pass")

    def run_until_checked(self, checks: int, within_s: float) -> None:
        deadline_s = time.monotonic() + within_s
        while (found := self.verdict().checks) < checks:
            assert time.monotonic() < deadline_s, f"after {within_s:g} s more, {found} checks and not {checks}"
            took_s = time.monotonic() - self._began_s
            # To judge takes time of its own, so not more often than needed.
            self.run_for(max(2.0, (checks - found) * took_s / max(1, found)))

    def run_until_paged_across(self, at_s: float, within_s: float = 3_600) -> None:
        wait_until(lambda: self.pagings_across(at_s) > 0, within_s, "a paging that spans that time", every_s=1)

    def excuse(self, began_s: float, ended_s: float) -> None:
        """Searches may fail in between: the index is down on purpose."""
        self._outages.append((began_s, ended_s))

    def verdict(self) -> Verdict:
        return judge(self.folder, self._outages)

    def search_times_s(self, began_s: float, ended_s: float) -> list[float]:
        """How long the searches took that were sent in between, pages and others."""
        return [
            answer.received_s - answer.sent_s
            for journal in read_journals(self.folder, Answer)
            for answer in journal
            if began_s <= answer.sent_s < ended_s
        ]

    def pagings_across(self, at_s: float) -> int:
        """How many pagings began before that time and went on after it to their end."""
        pages: dict[int, list[Answer]] = {}
        for journal in read_journals(self.folder, Answer, "pager-*"):
            for answer in journal:
                if answer.paging is not None and not answer.failed:
                    pages.setdefault(answer.paging, []).append(answer)
        return sum(
            some[0].sent_s < at_s < some[-1].sent_s and (some[-1].low is None or some[-1].high is None)
            for some in pages.values()
        )

    @property
    def _seekers(self) -> int:
        return _SEARCHERS * _THREADS + 1

    def _journals(self) -> Sequence[Path]:
        return [path for path in self.folder.glob("Answer-*.jsonl") if path.stat().st_size]

    def _order(self, kind: Literal["write", "search", "page"], name: str, per_s: float) -> Order:
        return Order(
            kind=kind,
            url=self._url,
            folder=str(self.folder),
            name=name,
            seed=f"{SEED.value}:{self.folder.name}",
            per_s=per_s,
            born_ms=self._born_ms,
            threads=1 if kind == "page" else _THREADS,
            page=self._page,
        )

    def _process(self, order: Order) -> AmpProcess:
        program = [sys.executable, "-m", "tests.support.moves.client"]
        env = {"PYTHONPATH": str(REPOSITORY)}
        return AmpProcess(order.name, [order.argument()], self.folder, env, program)

    def _adopt(self, shown: dict[str, int]) -> None:
        """Gives each writer some of the assets, which nobody else writes, from all over the time of their creation."""
        ids = sorted(shown)
        names = [order.client(number) for order in self._writers for number in range(order.threads)]
        each = min(_ADOPTED_MOST, int(len(ids) * _ADOPTED_SHARE) // len(names))
        apart = len(ids) // (each * len(names))
        for position, name in enumerate(names):
            mine = ids[position * apart :: len(names) * apart][:each]
            adopted_by(self.folder, name).write_bytes(orjson.dumps([(asset_id, shown[asset_id]) for asset_id in mine]))
            hot(self.folder).add(mine)
