"""Clients of the service as processes of their own: `python -m tests.support.moves.client ORDER`, until SIGTERM."""

import random
import signal
import sys
import threading
import time
from abc import abstractmethod
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import httpx
import orjson

from amp.domain.times import format_ms, parse_ms
from tests.support.moves.records import Answer, Deletion, Journal, KnownIds, Write
from tests.support.service.api_client import TYPE, ApiClient

_TIMEOUT_S = 30
_IDS_A_SEARCH = 100
_HOT_SHARE = 0.6
_PAGE = 100
#: Of searches, those that ask for ids; the others ask for what was created from some time on.
_BY_ID = 0.7


@dataclass(frozen=True, kw_only=True)
class Order:
    """What a client is to do."""

    kind: Literal["write", "search", "page"]
    url: str
    folder: str
    name: str
    seed: str
    per_s: float
    born_ms: tuple[int, int]  #: between these the loaded assets were created
    threads: int = 1
    page: int = 200

    def client(self, number: int) -> str:
        """The name of one of its threads."""
        return f"{self.name}-{number}"

    def argument(self) -> str:
        return orjson.dumps(asdict(self)).decode()


def cold(folder: Path) -> KnownIds:
    """All that was there before."""
    return KnownIds(folder / "cold.ids")


def hot(folder: Path) -> KnownIds:
    """What writers write."""
    return KnownIds(folder / "hot.ids")


def adopted_by(folder: Path, client: str) -> Path:
    """Ids and revisions of what a writer has to itself from the start."""
    return folder / f"adopted-{client}.json"


def created_between(low_ms: int, high_ms: int, choices: random.Random) -> str:
    return format_ms(choices.randrange(low_ms, high_ms))


class _Client:
    """One connection, one thread, steps at an even pace; what it missed it does not catch up with."""

    def __init__(self, order: Order, number: int) -> None:
        self.order = order
        self.folder = Path(order.folder)
        self.name = order.client(number)
        self.choices = random.Random(f"{order.seed}:{self.name}")
        self.api_client = ApiClient(order.url, principal=self.name, timeout_s=_TIMEOUT_S)

    def close(self) -> None:
        self.api_client.close()

    def run(self, stop: threading.Event) -> None:
        pause_s = self.order.threads / self.order.per_s
        due = time.monotonic() + self.choices.uniform(0, pause_s)
        while not stop.wait(max(0.0, due - time.monotonic())):
            self.step()
            due = max(due + pause_s, time.monotonic() - 5 * pause_s)

    @abstractmethod
    def step(self) -> object:
        """One thing that it does."""


class _Writer(_Client):
    """Owns what it writes, so that nothing it does is ever refused."""

    def __init__(self, order: Order, number: int) -> None:
        super().__init__(order, number)
        self._writes = Journal(self.folder, Write, self.name)
        self._deletions = Journal(self.folder, Deletion, self.name)
        self._hot = hot(self.folder)
        #: Ids and revisions.
        self._owned: list[tuple[str, int]] = orjson.loads(adopted_by(self.folder, self.name).read_bytes())

    def step(self) -> None:
        draw = self.choices.random()
        if draw < 0.25 or not self._owned:
            self._create()
            return
        position = self.choices.randrange(len(self._owned))
        self._owned[position], self._owned[-1] = self._owned[-1], self._owned[position]
        asset_id, revision = self._owned.pop()
        if draw < 0.35:
            self._deletions.tell(Deletion(asked_s=time.monotonic(), asset_id=asset_id))
            self._send("delete", asset_id, "DELETE", f"/v1/assets/{asset_id}", revision)
            return
        body: dict[str, Any]
        if draw < 0.45:
            body = {"labels": [f"label {revision}"]}
        else:
            body = {"name": f"changed {revision}", "metadata": {"number": revision, "mark": self.name}}
        # One that failed may have been made, and the next would be refused.
        if self._send("update", asset_id, "PATCH", f"/v1/assets/{asset_id}", revision, body) is not None:
            self._owned.append((asset_id, revision + 1))

    def _create(self) -> None:
        body: dict[str, Any] = {"type": TYPE, "name": "made", "metadata": {"number": 1, "mark": self.name}}
        if self.choices.random() < 0.5:
            body["created_at"] = created_between(*self.order.born_ms, self.choices)
        made = self._send("create", "", "POST", "/v1/assets", 0, body)
        if made is not None:
            asset_id = made.json()["id"]
            self._owned.append((asset_id, 1))
            self._hot.add([asset_id])

    def _send(
        self, kind: str, asset_id: str, method: str, path: str, revision: int, body: dict[str, Any] | None = None
    ) -> httpx.Response | None:
        headers = {"If-Match": f'"{revision}"'} if revision else {}
        sent_s = time.monotonic()
        answer: httpx.Response | None = self.api_client.send(method, path, headers=headers, json=body)
        failed = "no answer" if answer is None else "" if answer.is_success else f"{answer.status_code} {answer.text}"
        self._writes.tell(
            Write(sent_s=sent_s, received_s=time.monotonic(), kind=kind, asset_id=asset_id, failed=failed)
        )
        return None if failed else answer


class _Seeker(_Client):
    """Tells what searches show."""

    def __init__(self, order: Order, number: int) -> None:
        super().__init__(order, number)
        self._answers = Journal(self.folder, Answer, self.name)

    def close(self) -> None:
        super().close()
        self._answers.close()

    def ask(self, body: dict[str, Any], **asked: Any) -> httpx.Response | None:
        """`asked`: what the answer must hold, as `Answer` has it; from the last page on there is no end."""
        sent_s = time.monotonic()
        answer: httpx.Response | None = self.api_client.send("POST", "/v1/search", json=body)
        received_s = time.monotonic()
        times = {"sent_s": sent_s, "received_s": received_s}
        if answer is None or not answer.is_success:
            reason = "no answer" if answer is None else f"{answer.status_code} {answer.text}"
            self._answers.tell(Answer(**times, failed=reason, paging=asked.get("paging")))
            return None
        found = answer.json()
        shown = tuple((item["id"], item["revision"]) for item in found["items"])
        if "asked" not in asked and found["next_cursor"] is not None:
            end = "high" if body["sort"][0]["order"] == "asc" else "low"
            asked[end] = shown[-1][0]
        self._answers.tell(Answer(**times, shown=shown, **asked))
        return answer


class _Searcher(_Seeker):
    def __init__(self, order: Order, number: int) -> None:
        super().__init__(order, number)
        self._cold, self._hot = cold(self.folder).look(), hot(self.folder)

    def step(self) -> None:
        if self.choices.random() < _BY_ID:
            wanted = self._some(self._hot.look(), int(_IDS_A_SEARCH * _HOT_SHARE))
            wanted |= self._some(self._cold, _IDS_A_SEARCH - len(wanted))
            ids = sorted(wanted)
            body = {"query": {"field": "id", "in": ids}, "size": len(ids), "fields": ["id", "revision"]}
            self.ask(body, asked=tuple(ids))
        else:
            self._from_some_time_on()

    def _some(self, ids: list[str], count: int) -> set[str]:
        return set(self.choices.choices(ids, k=count)) if ids else set()

    def _from_some_time_on(self) -> None:
        at = created_between(*self.order.born_ms, self.choices)
        body = {
            "query": {"all": [{"field": "type", "eq": TYPE}, {"field": "created_at", "gte": at}]},
            "sort": [{"field": "created_at", "order": "asc"}],
            "size": _PAGE,
            "fields": ["id", "revision"],
        }
        self.ask(body, low=_before(at))


class _Pager(_Seeker):
    """Pages through everything by creation, forwards and backwards in turn; a paging takes longer than a switch."""

    def __init__(self, order: Order, number: int) -> None:
        super().__init__(order, number)
        #: Even: forwards.
        self._paging = 2
        self._cursor: str | None = None
        self._last: str | None = None

    def step(self) -> dict[str, Any] | None:
        """The page; None: there was no answer."""
        forwards = self._paging % 2 == 0
        body: dict[str, Any] = {
            "sort": [{"field": "created_at", "order": "asc" if forwards else "desc"}],
            "size": self.order.page,
            "fields": ["id", "revision"],
        }
        if self._cursor is not None:
            body["cursor"] = self._cursor
        answer = self.ask(body, paging=self._paging, **{"low" if forwards else "high": self._last})
        if answer is None:
            return None
        found: dict[str, Any] = answer.json()
        self._cursor = found["next_cursor"]
        self._last = found["items"][-1]["id"] if self._cursor is not None else None
        if self._cursor is None:
            self._paging += 1
        return found

    def page_through(self) -> dict[str, int]:
        """:raises AssertionError: a search failed."""
        shown: dict[str, int] = {}
        self._paging = 0
        while self._paging == 0:
            page = self.step()
            assert page is not None, "nothing moves yet, and a search failed"
            shown |= {item["id"]: item["revision"] for item in page["items"]}
        return shown


def _before(time_text: str) -> str:
    """Lies, in the order of ids, before all that were created then or later, and after all others."""
    text = f"{parse_ms(time_text):012x}"
    return f"{text[:8]}-{text[8:]}"


def look_at_all(url: str, folder: Path) -> dict[str, int]:
    """Ids and revisions of one paging through everything: from then on each asset has been seen."""
    order = Order(kind="page", url=url, folder=str(folder), name="first", seed="", per_s=1, born_ms=(0, 1))
    with closing(_Pager(order, 0)) as pager:
        return pager.page_through()


_KINDS: dict[str, type[_Client]] = {"write": _Writer, "search": _Searcher, "page": _Pager}


def main() -> None:
    order = Order(**orjson.loads(sys.argv[1]))
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    clients = [_KINDS[order.kind](order, number) for number in range(order.threads)]
    threads = [threading.Thread(target=client.run, args=(stop,)) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main()
