"""The continuous check checks everything, one job after the other, and reports differences as any check does."""

from pathlib import Path

from amp.domain.principals import Principal
from amp.ports.message_queue import Topic
from amp.services.consistency.continuous import ContinuousCheck
from tests.functional.moving import working
from tests.functional.wired import Wired, embedded, wired
from tests.stack.waiting import wait_until


def continuous_check(world: Wired, rate: float | None = 1e6) -> ContinuousCheck:
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
        continuous_check(world).run()
        with working(world, "relay", "extract", "job"):
            wait_until(lambda: not world.amp.adapters.jobs.open(), 60, "the end of the check")
        [status] = world.amp.jobs.control.page(None, 10, Principal())
        assert (status.job.kind, status.job.requested_by, status.job.state) == (
            "check",
            "continuous check",
            "completed",
        )
        [(asset_id, result)], _ = world.amp.jobs.control.results(status.job.id, 0, 10, Principal())
        assert (asset_id, result.note) == (missing.id, f"missing: {missing.id}")
        continuous_check(world).run()
        assert len(world.amp.jobs.control.page(None, 10, Principal())) == 1


def test_without_a_rate_nothing_is_swept(tmp_path: Path) -> None:
    with wired(embedded(tmp_path)) as world:
        continuous_check(world, None).run()
        assert world.amp.jobs.control.page(None, 10, Principal()) == []
