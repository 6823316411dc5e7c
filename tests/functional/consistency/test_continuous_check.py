"""The continuous check checks everything, one job after the other, and reports differences as any check does."""

from pathlib import Path

from amp.domain.principals import Principal
from amp.ports.message_queue import Topic
from amp.services.consistency.continuous import ContinuousCheck
from tests.support.moves.moving import working
from tests.support.service.wired import Wired, embedded, wired
from tests.support.stack.waiting import wait_until


def continuous_check(environment: Wired, rate: float | None = 1e6) -> ContinuousCheck:
    a = environment.amp.adapters
    return ContinuousCheck(a.jobs, environment.amp.jobs.submission, a.leases, a.clock, holder="tester", rate=rate)


def test_a_continuous_check_reports_differences_and_the_next_one_waits(tmp_path: Path) -> None:
    with wired(embedded(tmp_path) | {"intent_grace_s": "0.2"}) as environment:
        missing, there = environment.create("one"), environment.create("two")
        environment.index(*(event for event in environment.events(2) if event.asset_id == there.id))
        # As if the index worker had taken the other and done nothing.
        consumer = environment.amp.adapters.queue.consume(Topic.REALTIME, "index")
        consumer.commit(consumer.poll(10, 10.0))
        consumer.close()
        continuous_check(environment).run()
        with working(environment, "relay", "extract", "job"):
            wait_until(lambda: not environment.amp.adapters.jobs.open(), 60, "the end of the check")
        [status] = environment.amp.jobs.control.page(None, 10, Principal())
        assert (status.job.kind, status.job.requested_by, status.job.state) == (
            "check",
            "continuous check",
            "completed",
        )
        [(asset_id, result)], _ = environment.amp.jobs.control.results(status.job.id, 0, 10, Principal())
        assert (asset_id, result.note) == (missing.id, f"missing: {missing.id}")
        continuous_check(environment).run()
        assert len(environment.amp.jobs.control.page(None, 10, Principal())) == 1


def test_without_a_rate_nothing_is_checked(tmp_path: Path) -> None:
    with wired(embedded(tmp_path)) as environment:
        continuous_check(environment, None).run()
        assert environment.amp.jobs.control.page(None, 10, Principal()) == []
