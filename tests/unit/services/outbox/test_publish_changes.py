"""An unexpected error does not end the thread that clears intents."""

from collections.abc import Callable, Sequence
from uuid import UUID

from amp.domain.assets import Scope
from amp.domain.messages import AnyMessage, AssetChanged, Intent
from amp.ports.message_queue import Topic
from amp.services.outbox.publish import ChangePublisher
from tests.support.background import background_threads
from tests.support.stack.waiting import wait_until


class Queue:
    """Delivers at once."""

    def publish(self, _topic: Topic, events: Sequence[AnyMessage], on_delivered: Callable[[AnyMessage], None]) -> None:
        for event in events:
            on_delivered(event)

    def flush(self, _timeout_s: float) -> bool:
        return True


class Intents:
    """Fails in a way nobody expects, once."""

    def __init__(self) -> None:
        self.calls = 0
        self.cleared: list[Intent] = []

    def clear(self, intents: Sequence[Intent]) -> None:
        self.calls += 1
        if self.calls == 1:
            raise RuntimeError("broken")
        self.cleared += intents


def intent(number: int) -> Intent:
    id_ = UUID(int=number)
    event = AssetChanged(asset_id=id_, version=1, revision=1, scope=Scope.HEAD, change_id=id_)
    return Intent(message=event, recorded_ms=0, due_ms=0)


def test_intents_are_cleared_again_after_an_unexpected_error() -> None:
    intents = Intents()
    publisher = ChangePublisher(Queue(), intents, background_threads())  # type: ignore[arg-type]
    publisher.publish([intent(1)])
    wait_until(lambda: intents.calls == 1, 30, "the first error", 0.005)
    publisher.publish([intent(2)])
    wait_until(lambda: intents.cleared == [intent(2)], 30, "the second intent", 0.005)
    publisher.close(5.0)
