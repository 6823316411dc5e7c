"""Versions past the number kept have tombstones in the index that the store knows nothing of: no fault."""

from pathlib import Path

from amp.api.app import create_app
from amp.ports.event_queue import Topic
from tests.functional.job_calls import DEADLINE_S, counts, ended, started
from tests.functional.moving import working
from tests.functional.rest import Rest
from tests.functional.wired import embedded, wired
from tests.stack.waiting import wait_until


def test_dropped_versions_differ_in_nothing_and_stay_as_they_are(tmp_path: Path) -> None:
    settings = {"versions_kept": 2, "search_timeout_s": "0.2", "intent_grace_s": "0.2"}
    with wired(embedded(tmp_path) | settings) as world, working(world, "index", "relay", "extract", "job"):
        rest = Rest(create_app(world.amp))
        asset, other = world.create("one"), world.create("another")
        for name in ("two", "three", "four"):
            asset = world.edit(asset, name)
        world.delete(other)
        wait_until(lambda: world.amp.adapters.queue.lag(Topic.REALTIME, "index") == 0, DEADLINE_S, "the index worker")
        before = world.amp.adapters.documents.of_assets([asset.id, other.id])
        assert len(before) == 5, "a head, a version, two tombstones of versions, and that of an asset"
        for kind in ("check", "fix"):
            for deep in (False, True):
                job = ended(rest, started(rest, kind, {"all": True}, parameters={"deep": deep}))
                assert counts(job) == {"done": 2}
        assert world.amp.adapters.documents.of_assets([asset.id, other.id]) == before
