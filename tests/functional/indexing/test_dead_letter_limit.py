"""When the index rejects every change, the index worker stops and says so instead of storing dead letters."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from amp.api.app import create_app
from amp.ports.message_queue import Topic
from amp.ports.search_index import Put, PutResult, WriteStatus
from amp.services.indexing.handle import INDEX_GROUP
from amp.worker import WorkerThreads
from tests.support.service.rest import Rest
from tests.support.service.wired import Wired, wired
from tests.support.stack.waiting import wait_until

_SETTINGS = {"AMP_INDEX_MAX_DEAD_LETTERS_IN_ROW": "5"}


@pytest.fixture(params=["embedded", pytest.param("cluster", marks=pytest.mark.cluster)])
def environment(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Wired]:
    own: Mapping[str, object] = {"AMP_DATA_DIR": tmp_path}
    profile = own if request.param == "embedded" else request.getfixturevalue("fresh_cluster_settings")
    with wired({**profile, **_SETTINGS}) as found:
        yield found


def _degraded(rest: Rest) -> list[str]:
    degraded: list[str] = rest.get("/readyz").get_json()["degraded"]
    return degraded


def test_a_worker_whose_index_rejects_everything_stops_and_continues(
    environment: Wired, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("amp.services.runtime.consumer._STOPPED_S", 0.3)
    monkeypatch.setattr("amp.services.runtime.presence._EVERY_S", 0.2)
    amp, rest = environment.amp, Rest(create_app(environment.amp))

    def rejecting(puts: Sequence[Put]) -> list[PutResult]:
        return [PutResult(WriteStatus.REJECTED, "mapping [metadata] is strict") for _ in puts]

    threads = WorkerThreads(amp.background, {"index": amp.workers["index"]})
    with monkeypatch.context() as patch:
        patch.setattr(amp.adapters.index, "put", rejecting)
        for number in range(8):
            environment.create(str(number))
        assert amp.adapters.queue.flush(10)
        threads.start()
        try:
            wait_until(lambda: "index worker" in _degraded(rest), 60, "the worker to stop")
            [work] = [work for work in rest.get("/readyz").get_json()["work"] if work["name"] == "index worker"]
            assert work["detail"] == (
                "stopped: more than 5 messages in a row would become dead letters; the latest reason is: "
                "mapping [metadata] is strict"
            )
            assert 'amp_consumer_stopped{group="index"} 1.0' in rest.get("/metrics").text
            # Those of the first batches, if they were small.
            stored = len(amp.adapters.dead_letters.page(job_id=None, position=None, limit=10).dead_letters)
            assert stored <= 5
            patch.undo()
            wait_until(lambda: amp.adapters.queue.lag(Topic.REALTIME, INDEX_GROUP) == 0, 60, "the changes")
            wait_until(lambda: "index worker" not in _degraded(rest), 60, "the report to end")
        finally:
            threads.stop(10)
    environment.refresh()
    assert len(environment.seen()) == 8 - stored
    assert len(amp.adapters.dead_letters.page(job_id=None, position=None, limit=10).dead_letters) == stored
