"""A check of health answers in time and names what is wrong, whatever the parts do."""

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from amp.domain.health import ComponentHealth
from amp.errors import StoreUnavailable
from amp.services.system.health import Health, HealthCheck
from tests.support.background import background_threads

_BOUND_S = 0.3
#: A check that waits for one after the other, or for what hangs, takes longer.
_TOO_LONG_S = 1.2


class Part:
    def __init__(self, name: str, ping: Callable[[], str]) -> None:
        self.name = name
        self.ping = ping


@pytest.fixture
def hang() -> Iterator[threading.Event]:
    go_on = threading.Event()
    yield go_on
    go_on.set()


def checking(pings: dict[str, Callable[[], str]], buckets: Callable[[], list[ComponentHealth]] = list) -> HealthCheck:
    parts = [Part(name, ping) for name, ping in pings.items()]
    return HealthCheck(components=parts, threads=background_threads(), buckets=buckets, work=buckets, bound_s=_BOUND_S)  # type: ignore[arg-type]


def timed(checker: HealthCheck) -> Health:
    began_s = time.monotonic()
    found = checker.check()
    assert time.monotonic() - began_s < _TOO_LONG_S
    return found


def fine() -> str:
    return "fine"


def test_parts_that_hang_are_unhealthy_and_the_others_are_as_they_are(hang: threading.Event) -> None:
    def hanging() -> str:
        hang.wait()
        return "late"

    checker = checking({"store": hanging, "search": fine, "queue": hanging, "cache": hanging})
    health = timed(checker)
    assert [(part.name, part.healthy) for part in health.components] == [
        ("store", False), ("search", True), ("queue", False), ("cache", False)
    ]  # fmt: skip
    assert health.components[0].detail == "no answer within 0.3 s"
    assert not health.usable
    hang.set()


def test_buckets_that_nobody_can_tell_in_time_are_named(hang: threading.Event) -> None:
    def hanging() -> list[ComponentHealth]:
        hang.wait()
        return []

    health = timed(checking({"store": fine}, hanging))
    assert health.usable
    assert health.degraded == ["buckets", "work"]


def test_a_part_that_hangs_explains_why_nobody_can_tell_of_buckets(hang: threading.Event) -> None:
    def hanging() -> Any:
        hang.wait()

    assert timed(checking({"store": hanging}, hanging)).degraded == ["store"]


def test_a_part_that_hangs_takes_one_thread_however_often_it_is_asked(hang: threading.Event) -> None:
    asked: list[None] = []

    def hanging() -> str:
        asked.append(None)
        hang.wait()
        return "late"

    checker = checking({"store": hanging})
    for _ in range(3):
        assert not timed(checker).usable
    assert len(asked) == 1


def test_a_part_that_hung_is_asked_again_once_it_answers(hang: threading.Event) -> None:
    def hanging() -> str:
        hang.wait()
        return "fine"

    checker = checking({"store": hanging})
    assert not timed(checker).usable
    hang.set()
    assert timed(checker).usable


def test_any_error_is_the_state_of_the_part_that_raises_it() -> None:
    def broken() -> str:
        raise RuntimeError("broken")

    health = timed(checking({"store": _down, "search": broken}))
    assert [part.detail for part in health.components] == ["down", "RuntimeError('broken')"]
    assert health.degraded == ["store", "search"]


def test_an_unexpected_error_of_buckets_is_named_and_hides_nothing() -> None:
    def broken() -> list[ComponentHealth]:
        raise RuntimeError("broken")

    health = timed(checking({"store": fine}, broken))
    assert [(part.name, part.detail) for part in health.components] == [
        ("store", "fine"), ("buckets", "RuntimeError('broken')"), ("work", "RuntimeError('broken')")
    ]  # fmt: skip
    assert health.usable


def _down() -> Any:
    raise StoreUnavailable("down")


def test_buckets_that_a_store_without_answer_hides_are_not_named_for_it() -> None:
    assert timed(checking({"store": _down}, _down)).degraded == ["store"]


def test_buckets_that_cannot_be_read_while_every_part_answers_are_named() -> None:
    health = timed(checking({"store": fine}, _down))
    assert health.degraded == ["buckets", "work"]
    assert [part.detail for part in health.components] == ["fine", "down", "down"]


def test_troubled_buckets_are_reported() -> None:
    troubled = ComponentHealth("19700101000000", False, "it refuses writes")
    assert timed(checking({"store": fine}, lambda: [troubled])).degraded == [
        "bucket 19700101000000", "19700101000000"
    ]  # fmt: skip
