"""The checker of moves sees every kind of anomaly, and none where there is none."""

from typing import Any

from tests.support.moves.checker import Verdict, judged
from tests.support.moves.records import Answer, Deletion, Write


def answer(sent_s: float, *shown: tuple[str, int], took_s: float = 0.5, **more: Any) -> Answer:
    """To a search for the assets a and b, unless more is said."""
    asked = {} if more else {"asked": ("a", "b")}
    return Answer(sent_s=sent_s, received_s=sent_s + took_s, shown=shown, **asked, **more)


def page(sent_s: float, *shown: tuple[str, int], **more: Any) -> Answer:
    return answer(sent_s, *shown, **{"paging": 1, **more})


def verdict(*answers: Answer, deletions: tuple[Deletion, ...] = ()) -> Verdict:
    return judged(sorted(answers, key=lambda a: a.received_s), (), deletions)


def found(*answers: Answer, deleted_s: float | None = None) -> dict[str, int]:
    """`deleted_s`: when the deletion of a was asked for."""
    deletions = () if deleted_s is None else (Deletion(asked_s=deleted_s, asset_id="a"),)
    return dict(verdict(*answers, deletions=deletions).anomalies)


def test_assets_that_stay_or_get_newer_are_checked_and_no_anomaly() -> None:
    judgement = verdict(answer(1), answer(2, ("a", 1)), answer(3, ("a", 1), ("b", 4)), answer(4, ("a", 3), ("b", 4)))
    assert judgement.anomalies == {}
    assert (judgement.searches, judgement.checks) == (4, 8)


def test_an_asset_twice_in_one_answer_is_a_duplicate() -> None:
    assert found(answer(1, ("a", 1), ("a", 1))) == {"duplicate": 1}


def test_an_asset_on_two_pages_of_one_paging_is_a_duplicate() -> None:
    assert found(page(1, ("a", 1)), page(2, ("a", 1), low="a")) == {"duplicate": 1}
    assert found(page(1, ("a", 1)), page(2, ("a", 1), paging=2)) == {}


def test_an_asset_that_an_earlier_answer_showed_and_is_absent_is_a_gap() -> None:
    assert found(answer(1, ("a", 1)), answer(2)) == {"gap": 1}


def test_an_answer_not_yet_received_does_not_count_against_a_search() -> None:
    assert found(answer(1, ("a", 2), took_s=2), answer(2, took_s=2)) == {}
    assert found(answer(1, ("a", 2), took_s=2), answer(2, ("a", 1), took_s=2)) == {}


def test_a_lower_revision_than_before_is_older() -> None:
    assert found(answer(1, ("a", 3)), answer(2, ("a", 2))) == {"older": 1}
    assert found(answer(1, ("a", 2)), answer(2, ("a", 3), took_s=5), answer(3, ("a", 2))) == {}


def test_an_asset_may_be_absent_once_its_deletion_is_asked_for() -> None:
    assert found(answer(1, ("a", 1)), answer(2), deleted_s=2.2) == {}
    assert found(answer(1, ("a", 1)), answer(2), deleted_s=2.6) == {"gap": 1}
    assert found(answer(1, ("a", 1)), answer(2), answer(3, ("a", 1)), deleted_s=2.6)["gap"] == 1


def test_a_deleted_asset_that_was_gone_and_is_back_is_resurrected() -> None:
    assert found(answer(1, ("a", 1)), answer(2), answer(3, ("a", 1)), deleted_s=2) == {"resurrected": 1}
    assert found(answer(1, ("a", 1)), answer(2), answer(2.2, ("a", 1)), deleted_s=2) == {}


def test_a_deleted_asset_that_was_never_seen_may_appear_late() -> None:
    assert found(answer(2), answer(3, ("a", 1)), deleted_s=1) == {}


def test_a_page_must_show_all_that_lies_between_its_ends() -> None:
    seen = answer(1, ("a", 1), ("b", 1), ("c", 1), asked=("a", "b", "c"))
    assert found(seen, page(2, ("a", 1), ("c", 1), high="c")) == {"gap": 1}
    assert found(seen, page(2, ("a", 1), ("b", 1), high="b")) == {}
    assert found(seen, page(2, ("c", 1), low="b")) == {}
    assert found(seen, page(2, ("b", 1), low="a")) == {"gap": 1}
    assert found(seen, page(2, ("b", 1), low="a", high="b")) == {}


def test_failures_are_anomalies_unless_the_index_was_down_on_purpose() -> None:
    failed = answer(1, failed="503")
    write = Write(sent_s=1, received_s=2, kind="update", asset_id="a", failed="409")
    assert judged([failed], [write]).anomalies == {"failed search": 1, "failed write": 1}
    assert judged([failed], outages=[(1.4, 9)]).anomalies == {}
    assert judged([failed], outages=[(1.6, 9)]).anomalies == {"failed search": 1}
