"""An installation whose index a test spoils on purpose, to see that checks tell of that and fixes mend it."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from amp.api.app import create_app
from amp.domain.assets import Asset
from amp.domain.buckets import Bucket
from amp.domain.changes import Draft
from amp.domain.documents import IndexedDocument, Position
from amp.ports.bucket_documents import RawDocument
from amp.ports.message_queue import Topic
from amp.ports.search_index import Put, WriteStatus
from amp.services.assets.creation import CreateRequest
from tests.support.jobs.calls import DEADLINE_S, counts, ended, results, started
from tests.support.moves.moving import current_map, indexed, working
from tests.support.service.rest import Rest
from tests.support.service.wired import PRINCIPAL, Wired, embedded, wired
from tests.support.stack.waiting import wait_until

BORN_MS, DAY_MS, MINUTE_MS = 1_600_000_000_000, 86_400_000, 60_000
#: Half of the days of the tests' assets lie before the second bucket.
DAYS = 12
BOUNDARY_S = (BORN_MS + DAYS // 2 * DAY_MS) // 1000
#: A check waits for the grace of intents, so it is short here.
SETTINGS: dict[str, object] = {"intent_grace_s": "0.2", "map_refresh_s": "0.5", "bucket_check_s": "3600"}
#: No measurement: on a machine that does much else, the first job on servers that were just started takes a minute.
JOB_ENDS_S = 150
#: How long Elasticsearch remembers the revision of a document that was removed, and a little.
FORGETS_S = 150
WORKERS = ("index", "relay", "extract", "job")
ALL = {"all": True}


@dataclass
class Checked:
    """An installation with two buckets whose workers a test starts, and what it should find there."""

    environment: Wired
    rest: Rest
    expected: dict[str, str] = field(default_factory=dict)  #: how the report of each asset begins

    def born(self, day: int, **metadata: Any) -> Asset:
        draft = Draft(type="clip", name=f"of day {day}", metadata=metadata, created_ms=BORN_MS + day * DAY_MS)
        made = self.environment.amp.assets.creation.create(CreateRequest(draft), PRINCIPAL)
        self.environment.mine.add(made.id)
        return made

    def settle(self) -> None:
        """Let the index have everything written so far."""
        with working(self.environment, "index"):
            wait_until(lambda: indexed(self.environment), DEADLINE_S, "the index worker")
            wait_until(
                lambda: self.environment.amp.adapters.queue.lag(Topic.REALTIME, "index") == 0, DEADLINE_S, "its queue"
            )
        self.environment.refresh()

    def lose_events(self, count: int) -> None:
        """As if the index worker had taken them and done nothing."""
        a = self.environment.amp.adapters
        consumer = a.queue.consume(Topic.REALTIME, "index")
        try:
            while count > 0:
                deliveries = consumer.poll(count, 10.0)
                assert deliveries
                consumer.commit(deliveries)
                count -= len(deliveries)
        finally:
            consumer.close()
        wait_until(lambda: a.intents.due(a.clock.now_ms() + MINUTE_MS, 10) == [], DEADLINE_S, "intents to be cleared")

    def head(self, asset: Asset) -> IndexedDocument:
        amp = self.environment.amp
        [made] = amp.indexing.builder.of_heads(amp.adapters.store.heads([asset.id]))
        return made.documents[-1]

    def bucket(self, asset: Asset) -> Bucket:
        return current_map(self.environment).bucket_at(asset.created_ms)

    def put(self, asset: Asset, doc_id: str, revision: int, *, bucket: Bucket | None = None, **body: Any) -> None:
        """A document like the asset's own but for that.

        :param bucket: None: the asset's own.
        """
        document = IndexedDocument(doc_id, revision, self.head(asset).body | {"revision": revision} | body)  # type: ignore[arg-type]
        [result] = self.environment.amp.adapters.index.put([Put((bucket or self.bucket(asset)).write_alias, document)])
        assert result.status is WriteStatus.DONE, result
        self.environment.refresh()

    def remove(self, asset: Asset, doc_id: str, revision: int) -> None:
        position = Position(asset.created_ms, doc_id, asset.version, revision)
        documents = self.environment.amp.adapters.documents
        [result] = documents.delete(self.bucket(asset).write_alias, [RawDocument(position)])
        assert result.status is WriteStatus.DONE, result
        self.environment.refresh()

    def run(self, kind: str, selector: Any = ALL, timeout_s: float = JOB_ENDS_S, **more: Any) -> dict[str, Any]:
        with working(self.environment, *WORKERS):
            return ended(self.rest, started(self.rest, kind, selector, **more), timeout_s=timeout_s)

    def finds(self, selector: Any = ALL, *, may_skip: int = 0, **more: Any) -> dict[str, str]:
        """What a check tells of each asset; of so many it may say that they kept changing."""
        job = self.run("check", selector, **more)
        reported = results(self.rest, job["id"])
        assert {outcome for outcome, _ in reported.values()} <= {"found"}
        assert counts(job).get("found", 0) == len(reported)
        assert set(counts(job)) <= {"found", "done", "skipped"}
        assert counts(job).get("skipped", 0) <= may_skip
        return {asset_id: note for asset_id, (_, note) in reported.items()}

    def finds_what_is_expected(self, **more: Any) -> None:
        reported = self.finds(**more)
        assert reported.keys() == self.expected.keys()
        for asset_id, beginning in self.expected.items():
            assert reported[asset_id].startswith(beginning)
            assert ";" not in reported[asset_id], "one fault was planted"


@pytest.fixture(name="checked", params=["embedded", pytest.param("cluster", marks=pytest.mark.cluster)])
def make_checked(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Checked]:
    if request.param == "embedded":
        settings = embedded(tmp_path) | {"search_timeout_s": "0.2"}
    else:
        settings = {"search_timeout_s": "1"} | request.getfixturevalue("fresh_cluster_settings")
    with wired(settings | SETTINGS) as environment:
        assert environment.amp.moves.layout.open_next([BOUNDARY_S], None, PRINCIPAL).job is not None
        assert environment.amp.moves.runner.advance(threading.Event())
        yield Checked(environment, Rest(create_app(environment.amp)))
