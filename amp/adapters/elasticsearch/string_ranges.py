"""Tests of strings as ranges by code point: prefixes, and several tests that one value must pass together."""

from collections.abc import Sequence
from dataclasses import replace

from amp.domain.assets import Scalar
from amp.domain.criteria import OneOf, Prefix, Range, Test

#: Maximum length of the low bound of a range over an indexed keyword in Elasticsearch, in bytes.
MAX_LOW_BYTES = 999

_LAST_BEFORE_SURROGATES, _FIRST_AFTER_SURROGATES = 0xD7FF, 0xE000
_LAST = 0x10FFFF


def prefix_range(text: str) -> Range:
    """Return the range of all strings that begin with `text`. Elasticsearch's own prefix query accepts at most 1,000
    characters.
    """
    stem = text.rstrip(chr(_LAST))
    if not stem:
        return Range(low=text or None)
    last = ord(stem[-1])
    following = _FIRST_AFTER_SURROGATES if last == _LAST_BEFORE_SURROGATES else last + 1
    return Range(low=text, high=stem[:-1] + chr(following), high_open=True)


def cut_low(wanted: Range) -> Range:
    """Return the same range with a low bound that is not too long. It is exact for values that are not longer than the
    new bound.

    Names, external ids and labels may be up to 28 bytes longer than that. The result is wrong only for those that
    begin with the whole new bound.
    """
    cut = str(wanted.low).encode()[:MAX_LOW_BYTES].decode(errors="ignore")
    return replace(wanted, low=cut, low_open=True)


def one_test(tests: Sequence[Test]) -> OneOf | Range:
    """Return one test that a string passes if and only if it passes all of `tests`.

    It is needed for fields with several values: two queries on such a field may be matched by two different values.
    """
    ranges = [_as_range(test) for test in tests if not isinstance(test, OneOf)]
    sets = [test.values for test in tests if isinstance(test, OneOf)]
    if sets:
        return OneOf(tuple(v for v in sets[0] if all(v in s for s in sets) and all(_within(v, r) for r in ranges)))
    # A bound is tighter than an equal one if it is open.
    lows = [(r.low, r.low_open) for r in ranges if r.low is not None]
    highs = [(r.high, not r.high_open) for r in ranges if r.high is not None]
    low, low_open = max(lows, default=(None, False))
    high, high_closed = min(highs, default=(None, True))
    return Range(low, high, low_open, not high_closed)


def _as_range(test: Test) -> Range:
    match test:
        case Range():
            return test
        case Prefix(text):
            return prefix_range(text)
    raise ValueError(f"{test} cannot be applied to a whole string")


def _within(value: Scalar, bounds: Range) -> bool:
    text, low, high = str(value), bounds.low, bounds.high
    above = low is None or text > str(low) or (text == low and not bounds.low_open)
    return above and (high is None or text < str(high) or (text == high and not bounds.high_open))
