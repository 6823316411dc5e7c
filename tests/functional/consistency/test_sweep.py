"""A sweep checks everything for ever: one job after the other, and what it finds is told as by any check."""

from pathlib import Path

from amp.ports.message_queue import Topic
from amp.services.consistency.continuous import ContinuousCheck
from tests.support.moves.moving import working
from tests.support.service.wired import Wired, embedded, wired
from tests.support.stack.waiting import wait_until


def sweep(world: Wired, rate: float | None = 1e6) -> ContinuousCheck:
    a = world.amp.adapters
    return ContinuousCheck(a.jobs, world.amp.jobs.submission, a.leases, a.clock, holder="tester", rate=rate)


def test_a_sweep_finds_what_differs_and_the_next_waits_its_time(tmp_path: Path) -> None:
    with wired(embedded(tmp_path) | {"intent_grace_s": "0.2"}) as world:
        missing, there = world.create("one"), world.create("two")
        world.index(*(event for event in world.events(2) if event.asset_id == there.id))
        # As if the index worker had taken the other and done nothing.
        consumer = world.amp.adapters.queue.consume(Topic.REALTIME, "index")
        consumer.commit(consumer.poll(10, 10.0))
        consumer.close()
        sweep(world).run()
        with working(world, "relay", "extract", "job"):
            wait_until(lambda: not world.amp.adapters.jobs.open(), 60, "the end of the sweep")
        [status] = world.amp.jobs.control.page(None, 10)
        assert (status.job.kind, status.job.requested_by, status.job.state) == ("check", "sweep", "completed")
        [(asset_id, result)], _ = world.amp.jobs.control.results(status.job.id, 0, 10)
        assert (asset_id, result.note) == (missing.id, f"missing: {missing.id}")
        sweep(world).run()
        assert len(world.amp.jobs.control.page(None, 10)) == 1


def test_without_a_rate_nothing_is_swept(tmp_path: Path) -> None:
    with wired(embedded(tmp_path)) as world:
        sweep(world, None).run()
        assert world.amp.jobs.control.page(None, 10) == []
