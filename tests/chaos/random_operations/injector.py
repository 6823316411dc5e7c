"""What goes wrong in random operations beside its clients: one thread that draws a fault, lets it last, and ends it."""

import json
import os
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress

import httpx

from amp.domain.buckets import map_json
from amp.domain.times import format_ms
from amp.errors import AmpError, Retryable
from tests.chaos.random_operations.faulty_ports import PortFaults, SteppingClock
from tests.chaos.random_operations.known import Known
from tests.chaos.random_operations.request_log import RequestLog
from tests.chaos.random_operations.service import RandomService

_HOUR_MS, _DAY_MS = 3_600_000, 86_400_000
_IDENTITY_BYTES = 16
#: Calls before which something was written that they continue.
_FATAL = (
    "publish", "apply", "claim", "release", "clear", "commit", "put", "delete", "replace", "record", "set_state",
    "save_progress", "change_aliases",
)  # fmt: skip
_CACHE_KEY = "bucket-map"


class RandomInjector:
    def __init__(
        self, service: RandomService, clock: SteppingClock, port_faults: PortFaults, known: Known,
        request_log: RequestLog, choices: random.Random,
    ) -> None:  # fmt: skip
        self._service = service
        self._clock = clock
        self._port_faults = port_faults
        self._known = known
        self._request_log = request_log
        self._choices = choices
        self._stop = threading.Event()
        self.happened: Counter[str] = Counter()
        #: Former values of the map's cache entry.
        self._maps: list[bytes] = []
        self._planted: set[bytes] = set()
        faults: dict[Callable[[], None], float] = {
            self._break_ports: 12, self._lag: 6, self._drop_events: 5, self._step_clock: 8, self._migrate: 10,
            self._move: 12, self._replace_map: 8, self._lose_index: 0.7, self._restart: 0.7,
            self._kill: 4,
        }  # fmt: skip
        if service.embedded:
            faults |= {self._fill_disk: 4}
        self._faults, self._weights = list(faults), list(faults.values())
        #: Each has happened.
        self.all_happened = threading.Event()

    def run(self) -> None:
        """Each fault once, then whichever."""
        first = self._choices.sample(self._faults, k=len(self._faults))
        while not self._stop.wait(self._choices.uniform(0.02, 0.25)):
            [fault] = [first.pop()] if first else self._choices.choices(self._faults, self._weights)
            try:
                fault()
            except Retryable:
                pass
            except Exception as e:  # noqa: BLE001 - to be shown by the test, whatever it is
                self._request_log.violations.append(f"{fault.__name__}: {e!r}")
            self.happened[fault.__name__.strip("_")] += 1
            if not first:
                self.all_happened.set()
        self._port_faults.end()
        self._clock.offset_ms = 0

    def stop(self) -> None:
        self._stop.set()

    def _last(self, longest_s: float) -> None:
        self._stop.wait(self._choices.uniform(longest_s / 5, longest_s))

    def _break_ports(self) -> None:
        self._port_faults.chance = self._choices.choice((0.01, 0.05, 0.2))
        self._last(0.6)
        self._port_faults.chance = 0.0

    def _lag(self) -> None:
        self._port_faults.indexing.clear()
        self._last(1.0)
        self._port_faults.indexing.set()

    def _drop_events(self) -> None:
        self._port_faults.dropped_events = self._choices.choice((0.1, 1.0))
        self._last(0.5)
        self._port_faults.dropped_events = 0.0

    def _step_clock(self) -> None:
        for _ in range(self._choices.randrange(1, 3)):
            self._clock.offset_ms = self._choices.choice((-_DAY_MS, -_HOUR_MS, _HOUR_MS, _DAY_MS))
            self._last(0.8)
        self._clock.offset_ms = 0

    def _migrate(self) -> None:
        for _ in range(self._choices.randrange(1, 4)):
            self._service.amp.system.migration.run()

    def _move(self) -> None:
        """Ask for one; more than one at a time are refused."""
        listed = self._service.call(lambda rest: rest.get("/v1/admin/buckets", query_string={"limit": 200}))
        if listed.status_code != 200:
            return
        buckets = listed.get_json()["items"]
        kind = self._choices.choice(["split", "split", "rebuild", "roll", *(["merge"] * min(2, len(buckets) - 1))])
        bucket = self._choices.choice(buckets)
        path = "/v1/admin/buckets/roll" if kind == "roll" else f"/v1/admin/buckets/{bucket['name']}/{kind}"
        body = {}
        if kind == "split" and self._choices.random() < 0.6:
            # Clients bring ids of the last five days.
            at_ms = time.time_ns() // 1_000_000 - self._choices.randrange(1, 120) * _HOUR_MS
            body = {"at": format_ms(at_ms // 1000 * 1000)}
        answer = self._service.call(lambda rest: rest.post(path, json=body))
        if answer.status_code == 202:
            self._known.moves.append(answer.get_json()["id"])
            self.happened[f"{kind} begun"] += 1
        elif answer.status_code not in (404, 409, 422, 503):
            self._request_log.violations.append(f"{path} {body}: {answer.status_code} {answer.text}")

    def _replace_map(self) -> None:
        """What another process, a former life, or another installation may leave in the cache."""
        cache = self._service.adapters.cache
        if (cached := cache.get(_CACHE_KEY)) is not None and cached not in self._planted:
            self._maps.append(cached)
        if not self._maps:
            return
        identity, value = self._maps[-1][:_IDENTITY_BYTES], json.loads(self._maps[-1][_IDENTITY_BYTES:])
        foreign = {**value, "generation": value["generation"] + 1000, "move": None}
        foreign["buckets"] = [{**bucket, "index": f"{bucket['index']}-of-others"} for bucket in value["buckets"]]
        planted = self._choices.choice(
            (
                self._choices.choice(self._maps),
                identity + json.dumps(foreign).encode(),
                os.urandom(_IDENTITY_BYTES) + json.dumps(foreign).encode(),
                identity + b"no JSON",
                json.dumps(map_json(self._service.amp.adapters.buckets.load())).encode(),
            )
        )
        self._planted.add(planted)
        cache.put(_CACHE_KEY, planted, 3600)

    def _lose_index(self) -> None:
        if self._service.embedded:
            with self._service.restarted():
                path = self._service.settings.data_dir / "search.db"
                for file in path.parent.glob("search.db-*"):
                    file.unlink()
                if self._choices.random() < 0.5:
                    path.unlink()
                    return
                with path.open("r+b") as file:
                    file.seek(self._choices.randrange(path.stat().st_size // 2))
                    file.write(os.urandom(self._choices.choice((4096, 65536))))
            return
        buckets = self._service.adapters.buckets.load()
        index = self._choices.choice(buckets.buckets).index
        url = f"{self._service.settings.elasticsearch_url}/{index}"
        httpx.delete(url, params={"ignore_unavailable": "true"}, timeout=30).raise_for_status()

    def _restart(self) -> None:
        with self._service.restarted():
            pass

    def _kill(self) -> None:
        """At whichever step, or between two that belong together; ports may fail as well."""
        self._port_faults.chance = self._choices.choice((0.0, 0.05))
        if self._choices.random() < 0.5:
            self._service.kill(self._choices.randrange(1, 200))
        else:
            self._service.kill(2_000, self._choices.choice(_FATAL))

    def _fill_disk(self) -> None:
        """SQLite itself refuses to let its files grow."""
        adapters = self._service.adapters
        writing = self._choices.choice((adapters.store._database.writing, adapters.index._database.write))
        with suppress(AmpError), writing() as connection:
            pages = connection.execute("PRAGMA page_count").fetchone()[0]
            connection.execute(f"PRAGMA max_page_count = {pages}")
        self._last(0.5)
        with writing() as connection:
            connection.execute("PRAGMA max_page_count = 4294967294")
