"""All steps of a stop together take no longer than the process has, however many of them hang."""

import threading
from collections.abc import Callable, Sequence
from uuid import UUID

import pytest

from amp.domain.assets import Scope
from amp.domain.messages import AssetChanged, Intent
from amp.services.outbox.publish import ChangePublisher
from amp.settings import Settings
from amp.stop_budget import StopBudget
from amp.worker import WorkerThreads


class Time:
    """Stands still unless somebody waits."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def monotonic(self) -> float:
        return self.now_s

    def wait(self, timeout_s: float) -> None:
        self.now_s += timeout_s


class Hanging:
    """Starts threads that do not end, and is a queue that does not deliver."""

    def __init__(self, time: Time) -> None:
        self.time = time

    def start(self, _name: str, _loop: Callable[[threading.Event], None], _stop: threading.Event) -> "Hanging":
        return self

    def join(self, timeout_s: float) -> None:
        self.time.wait(timeout_s)

    def publish(self, *_: object) -> None:
        pass

    def flush(self, timeout_s: float) -> bool:
        self.time.wait(timeout_s)
        return False


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Time:
    found = Time()
    for module in ("amp.stop_budget", "amp.services.outbox.publish"):
        monkeypatch.setattr(f"{module}.time", found)
    return found


def test_what_is_left_shrinks_to_nothing(time: Time) -> None:
    budget = StopBudget(20.0)
    assert (budget.left_s(), budget.left_s(0.5)) == (20.0, 10.0)
    time.wait(16.0)
    assert (budget.left_s(), budget.left_s(0.5)) == (4.0, 2.0)
    time.wait(16.0)
    assert budget.left_s() == 0.0


def test_hanging_workers_share_one_time(time: Time) -> None:
    hanging = Hanging(time)
    workers = WorkerThreads(hanging, {name: lambda _stop: None for name in "abcde"})  # type: ignore[arg-type]
    workers.start()
    workers.stop(4.0)
    assert time.now_s == 1004.0


def test_delivery_and_clearing_of_what_was_published_share_one_time(time: Time) -> None:
    hanging = Hanging(time)
    publisher = ChangePublisher(hanging, hanging, hanging)  # type: ignore[arg-type]
    publisher.publish(_intents())
    publisher.close(4.0)
    assert time.now_s == 1004.0


def _intents() -> Sequence[Intent]:
    id_ = UUID(int=1)
    event = AssetChanged(asset_id=id_, version=1, revision=1, scope=Scope.HEAD, change_id=id_)
    return [Intent(message=event, recorded_ms=0, due_ms=0)]


def test_a_stop_of_the_server_in_which_all_hangs_ends_in_time(time: Time, monkeypatch: pytest.MonkeyPatch) -> None:
    from amp.server import processes

    class Service:
        def close(self, budget: StopBudget) -> None:
            time.wait(budget.left_s())

    server = processes.Processes.__new__(processes.Processes)
    monkeypatch.setattr(server, "settings", Settings(graceful_stop_s=20.0), raising=False)
    server.amp = Service()  # type: ignore[assignment]
    server._workers = WorkerThreads(Hanging(time), {name: lambda _stop: None for name in "abcde"})  # type: ignore[arg-type]
    server._workers.start()
    server.begin_stop()
    time.wait(10.0)  # for requests
    server._close(None, None)
    assert time.now_s == 1020.0
