"""Ranges of strings mean what the tests they stand for mean, whatever the strings are."""

from hypothesis import given
from hypothesis import strategies as st

from amp.adapters.elasticsearch.string_ranges import MAX_LOW_BYTES, cut_low, one_test, prefix_range
from amp.domain.criteria import OneOf, Prefix, Range, Test

#: The characters around which code points, UTF-8 and UTF-16 part ways, and the ends of all.
ODD = ["\x01", "a", "b", "z", "é", "\ud7ff", "\ue000", "￿", "\U00010000", "🎬", "\U0010ffff"]
texts = st.text(st.sampled_from(ODD), max_size=4)
ranges = st.builds(Range, st.none() | texts, st.none() | texts, st.booleans(), st.booleans())
tests = ranges | st.builds(Prefix, texts) | st.lists(texts, min_size=1, max_size=4).map(lambda v: OneOf(tuple(v)))


def passes(value: str, test: Test) -> bool:
    match test:
        case OneOf(values):
            return value in values
        case Prefix(text):
            return value.startswith(text)
        case Range(low, high, low_open, high_open):
            above = low is None or (value > low if low_open else value >= low)  # type: ignore[operator]
            return above and (high is None or (value < high if high_open else value <= high))  # type: ignore[operator]
    raise AssertionError(test)


@given(texts, texts)
def test_a_prefix_range_holds_exactly_what_begins_with_the_prefix(prefix: str, value: str) -> None:
    assert passes(value, prefix_range(prefix)) == value.startswith(prefix)
    assert passes(prefix + value, prefix_range(prefix))


@given(st.lists(tests, min_size=1, max_size=4), texts)
def test_one_test_is_passed_exactly_by_what_passes_all(several: list[Test], value: str) -> None:
    assert passes(value, one_test(several)) == all(passes(value, test) for test in several)


@given(st.integers(MAX_LOW_BYTES - 8, MAX_LOW_BYTES + 8), texts, texts, st.booleans())
def test_a_cut_low_bound_lets_the_same_shorter_values_through(size: int, end: str, value: str, low_open: bool) -> None:
    bound = Range("a" * size + end + "b" * 9, None, low_open)
    cut = cut_low(bound)
    kept = len(str(cut.low).encode())
    assert MAX_LOW_BYTES - 4 < kept <= MAX_LOW_BYTES
    for shorter in (value, ("a" * size + value).encode()[:kept].decode(errors="ignore")):
        assert passes(shorter, cut) == passes(shorter, bound)
