"""A sweep checks everything for ever: one job after the other, and it reports what it finds as any check does."""

from pathlib import Path

from amp.ports.message_queue import Topic
from amp.services.consistency.continuous import ContinuousCheck
from tests.support.moves.moving import working
from tests.support.service.wired import Wired, embedded, wired
from tests.support.stack.waiting import wait_until


def sweep(environment: Wired, rate: float | None = 1e6) -> ContinuousCheck:
    a = environment.amp.adapters
    return ContinuousCheck(a.jobs, environment.amp.jobs.submission, a.leases, a.clock, holder="tester", rate=rate)


def test_a_sweep_finds_what_differs_and_the_next_waits_its_time(tmp_path: Path) -> None:
    with wired(embedded(tmp_path) | {"intent_grace_s": "0.2"}) as environment:
        missing, there = environment.create("one"), environment.create("two")
        environment.index(*(event for event in environment.events(2) if event.asset_id == there.id))
        # As if the index worker had taken the other and done nothing.
        consumer = environment.amp.adapters.queue.consume(Topic.REALTIME, "index")
        consumer.commit(consumer.poll(10, 10.0))
        consumer.close()
        sweep(environment).run()
        with working(environment, "relay", "extract", "job"):
            wait_until(lambda: not environment.amp.adapters.jobs.open(), 60, "the end of the sweep")
        [status] = environment.amp.jobs.control.page(None, 10)
        assert (status.job.kind, status.job.requested_by, status.job.state) == ("check", "sweep", "completed")
        [(asset_id, result)], _ = environment.amp.jobs.control.results(status.job.id, 0, 10)
        assert (asset_id, result.note) == (missing.id, f"missing: {missing.id}")
        sweep(environment).run()
        assert len(environment.amp.jobs.control.page(None, 10)) == 1


def test_without_a_rate_nothing_is_swept(tmp_path: Path) -> None:
    with wired(embedded(tmp_path)) as environment:
        sweep(environment, None).run()
        assert environment.amp.jobs.control.page(None, 10) == []
