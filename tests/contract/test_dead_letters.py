"""The contract of the dead letters, over every adapter."""

import dataclasses
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest

from amp.domain.dead_letters import DeadLetter, dead_letter_id
from amp.domain.messages import JobItem, Message, message_json, message_of
from amp.errors import BadCursor
from amp.ports.dead_letters import DeadLetters
from amp.profiles import Adapters
from tests.support.asset_samples import at_once, creation, now_ms


@pytest.fixture
def letters(store_profile: Adapters) -> DeadLetters:
    return store_profile.dead_letters


@pytest.fixture
def fresh_letters(fresh_store_profile: Adapters) -> DeadLetters:
    return fresh_store_profile.dead_letters


def a_letter(message: Message | None = None, payload: bytes | None = None, **values: Any) -> DeadLetter:
    """Of that message, or of a payload that is none."""
    if payload is None:
        payload = orjson.dumps(message_json(message)) if message else b"\xff no JSON " + uuid4().bytes
    base: dict[str, Any] = {"topic": "bulk", "reason": "it is no long", "first_ms": now_ms(), "last_ms": now_ms()}
    values = base | values
    return DeadLetter(id=dead_letter_id(values["topic"], message, payload), message=message, payload=payload, **values)


def job_event(job_id: UUID) -> JobItem:
    return JobItem(job_id=job_id, chunk=3, asset_id=uuid4())


def put(letters: DeadLetters, *dead_letter_for: DeadLetter) -> None:
    for letter in dead_letter_for:
        letters.put(letter)


def walk(letters: DeadLetters, job_id: UUID | None, limit: int) -> list[DeadLetter]:
    found: list[DeadLetter] = []
    position = None
    while True:
        page = letters.page(job_id=job_id, position=position, limit=limit)
        assert len(page.dead_letters) <= limit
        found += page.dead_letters
        position = page.position
        if position is None:
            return found


@pytest.mark.parametrize("message", [None, message_of(creation()), job_event(uuid4())])
def test_a_dead_letter_is_read_back_as_it_was_put(letters: DeadLetters, message: Message | None) -> None:
    letter = a_letter(
        message, reason="ü 日本 'q\";--", detail="Traceback:\n  a line\n", first_ms=5, last_ms=253_402_300_799_999
    )
    letters.put(letter)
    assert letters.get(letter.id) == letter


def test_a_dead_letter_nobody_put_is_none(letters: DeadLetters) -> None:
    assert letters.get(uuid4()) is None


@pytest.mark.parametrize("payload", [b"", b"x" * 1_000_000])
def test_a_payload_may_be_empty_or_large(letters: DeadLetters, payload: bytes) -> None:
    letter = a_letter(payload=payload, topic=f"topic-{uuid4()}")
    letters.put(letter)
    assert letters.get(letter.id) == letter


def test_a_dead_letter_put_again_counts_and_keeps_when_it_was_first_put(letters: DeadLetters) -> None:
    job_id = uuid4()
    first = a_letter(job_event(job_id), reason="one", detail="d", first_ms=1_000, last_ms=1_000)
    letters.put(first)
    for number in range(2, 4):
        letters.put(dataclasses.replace(first, reason="two", detail="", first_ms=9_000, last_ms=9_000 + number))
        expected = dataclasses.replace(first, reason="two", detail="", attempts=number, last_ms=9_000 + number)
        assert letters.get(first.id) == expected
    assert walk(letters, job_id, 10) == [expected]
    assert letters.count(job_id) == 1


def test_putting_at_once_makes_one_dead_letter(letters: DeadLetters) -> None:
    job_id = uuid4()
    letter = a_letter(job_event(job_id))
    at_once([partial(letters.put, dataclasses.replace(letter, first_ms=n + 1)) for n in range(4)])
    [found] = walk(letters, job_id, 10)
    assert found == letters.get(letter.id)
    assert found.attempts > 1
    assert letters.count(job_id) == 1


@pytest.mark.parametrize("limit", [1, 2, 3, 100])
def test_pages_go_from_new_to_old_and_show_each_dead_letter_once(fresh_letters: DeadLetters, limit: int) -> None:
    one, two = uuid4(), uuid4()
    now = now_ms()
    of_one = [a_letter(job_event(one), first_ms=now - n * 1_000) for n in range(6)]
    of_two = [a_letter(job_event(two), first_ms=now - n * 1_000 - 500) for n in range(3)]
    live = [a_letter(message_of(creation()), first_ms=1), a_letter(first_ms=now + 5)]
    put(fresh_letters, *of_one[::-1], *of_two, *live)
    assert walk(fresh_letters, one, limit) == of_one
    assert walk(fresh_letters, two, limit) == of_two
    everything = sorted(of_one + of_two + live, key=lambda letter: letter.first_ms, reverse=True)
    assert walk(fresh_letters, None, limit) == everything
    assert (fresh_letters.count(one), fresh_letters.count(two)) == (6, 3)


def test_dead_letters_of_one_millisecond_come_once_each(letters: DeadLetters) -> None:
    job_id = uuid4()
    same = [a_letter(job_event(job_id), first_ms=7) for _ in range(10)]
    put(letters, *same)
    found = walk(letters, job_id, 3)
    assert len(found) == 10
    assert {letter.id for letter in found} == {letter.id for letter in same}


def test_the_last_page_says_so_even_when_it_is_full(letters: DeadLetters) -> None:
    job_id = uuid4()
    put(letters, *[a_letter(job_event(job_id)) for _ in range(4)])
    assert letters.page(job_id=job_id, position=None, limit=4).position is None
    assert letters.page(job_id=job_id, position=None, limit=3).position is not None
    empty = letters.page(job_id=uuid4(), position=None, limit=3)
    assert (empty.dead_letters, empty.position) == ((), None)


def test_removed_letters_are_gone_from_everywhere_and_may_be_removed_again(letters: DeadLetters) -> None:
    job_id = uuid4()
    now = now_ms()
    dead_letter_for = [a_letter(job_event(job_id), first_ms=now - n) for n in range(5)]
    live = a_letter(first_ms=now_ms() + 3_600_000)
    put(letters, *dead_letter_for, live)
    gone = [dead_letter_for[0].id, dead_letter_for[3].id, live.id]
    for _ in range(2):
        letters.remove([*gone, uuid4()])
        assert [letters.get(id_) for id_ in gone] == [None] * 3
        assert walk(letters, job_id, 2) == [dead_letter_for[1], dead_letter_for[2], dead_letter_for[4]]
        assert live not in letters.page(job_id=None, position=None, limit=10).dead_letters
        assert letters.count(job_id) == 3
    letters.remove([])


def test_a_dead_letter_put_again_since_it_was_read_is_not_removed(letters: DeadLetters) -> None:
    job_id = uuid4()
    now = now_ms()
    dead_letter_for = [a_letter(job_event(job_id), first_ms=now - n) for n in range(3)]
    put(letters, *dead_letter_for)
    letters.put(dead_letter_for[1])

    for _ in range(2):
        letters.remove_unchanged([*dead_letter_for, a_letter(job_event(job_id))])
        assert walk(letters, job_id, 2) == [dataclasses.replace(dead_letter_for[1], attempts=2)]
        assert letters.count(job_id) == 1
    letters.remove_unchanged([])
    letters.remove_unchanged(walk(letters, job_id, 2))
    assert walk(letters, job_id, 2) == []


def test_a_walk_goes_on_where_the_dead_letter_it_stands_at_is_removed(letters: DeadLetters) -> None:
    job_id = uuid4()
    now = now_ms()
    dead_letter_for = [a_letter(job_event(job_id), first_ms=now - n) for n in range(4)]
    put(letters, *dead_letter_for)
    page = letters.page(job_id=job_id, position=None, limit=2)
    letters.remove([letter.id for letter in page.dead_letters])
    assert letters.page(job_id=job_id, position=page.position, limit=2).dead_letters == tuple(dead_letter_for[2:])


def test_a_removed_dead_letter_that_is_put_again_starts_anew(letters: DeadLetters) -> None:
    job_id = uuid4()
    letter = a_letter(job_event(job_id), first_ms=1_000)
    put(letters, letter, letter)
    letters.remove([letter.id])
    # By a clock that is behind.
    again = dataclasses.replace(letter, first_ms=500)
    letters.put(again)
    assert letters.get(letter.id) == again
    assert walk(letters, job_id, 10) == [again]


def test_a_reason_may_hold_anything_and_a_long_one_is_cut(letters: DeadLetters) -> None:
    letter = a_letter(reason="a\0b\ud800\udfff" + "ä" * 1_000_000, detail="\udc80" + "x" * 1_000_000 + "\0the end")
    put(letters, letter, letter)
    found = letters.get(letter.id)
    assert found is not None
    assert found.reason.startswith("a\ufffdb\ufffd\ufffdää")
    assert 1_000 <= len(found.reason) <= 10_000
    assert found.detail.endswith("xx\ufffdthe end")
    assert 1_000 <= len(found.detail) <= 100_000
    assert found.attempts == 2


@pytest.mark.parametrize(
    "position", ["", "x", "5", "5-", f"-5-{'0' * 32}", f"5-{'0' * 31}", f"5-{'g' * 32}", f"٥-{'0' * 32}", "0" * 5000]
)
def test_a_made_up_position_is_refused(letters: DeadLetters, position: str) -> None:
    for job_id in (None, uuid4()):
        with pytest.raises(BadCursor):
            letters.page(job_id=job_id, position=position, limit=10)
