"""Values of every kind on which indices are apt to disagree, and others at random."""

from collections.abc import Sequence
from typing import Any, TypeVar

from hypothesis import strategies as st

from amp.domain.times import format_ms
from amp.domain.tokens import tokenize
from amp.domain.types import FieldType
from amp.domain.validation import LONG_MAX, LONG_MIN

#: Composed and decomposed accents, characters beyond 16 bits and just below (their UTF-16 order is the other way
#: round), letters that fold to several, words without blanks between them, dates, numbers, and syntax of all sorts.
STRINGS = [
    *("", "a", "b", "A", "ab", "a b", "Ab-c", "z", " ", "  a", "foo_bar", "foo bar", "don't", "dont", "3.14", "3.1"),
    *(
        "10",
        "9",
        "2020-01-01",
        "2020-01-01T00:00:00.000Z",
        "true",
        "null",
        "*",
        "a*",
        "?",
        'say "x"',
        "\\",
        "a\\b",
        "%",
        "_",
    ),
    *(
        "é",
        "e\u0301",
        "E",
        "É",
        "ß",
        "ss",
        "ſ",
        "ﬁ",
        "fi",
        "İ",
        "ı",
        "日本",
        "日",
        "本日",
        "かな",
        "한국",
        "\ufb01\uffee",
    ),
    *("😀", "😀a", "\uffee", "\U00010348", "𝒳", "X", "\U0010ffff", "\x7f", "\x01", "a\nb", "\u2028", "x" * 200),
]
SENTENCES = [*STRINGS, "a b c", "the cat and the dog", "日本 movie", "Ab c, 3.14; foo_bar", "x" * 130 + " y", "é è ê"]
LONGS = [
    0,
    1,
    -1,
    2,
    5,
    10,
    2**31,
    2**53,
    2**53 + 1,
    2**53 + 2,
    -(2**53) - 1,
    LONG_MAX,
    LONG_MAX - 1,
    LONG_MIN,
    LONG_MIN + 1,
]
DOUBLES = [
    *(0.0, 1.0, 2.0, 1.5, -1.5, 0.1, 5e-324, -5e-324, 2.2250738585072014e-308, 1e-310, 1e308, -1e308),
    *(1.7976931348623157e308, 2.0**53, 2.0**53 + 2, 2.0**63, -(2.0**63), 2.0**64, 1e22),
]
DATES_MS = [0, -1, 1, 999, 1_577_836_800_000, 1_577_836_799_999, 1_577_836_800_001, -62135596800000, 253402300799999]
WORDS = sorted({word for text in SENTENCES for word in tokenize(text)})

_characters = st.characters(exclude_categories=["Cs"], exclude_characters="\x00")

strings = st.sampled_from(STRINGS) | st.text(_characters, max_size=4)
sentences = st.sampled_from(SENTENCES) | st.lists(st.sampled_from(STRINGS), max_size=4).map(" ".join)
longs = st.sampled_from(LONGS) | st.integers(LONG_MIN, LONG_MAX)
doubles = st.sampled_from(DOUBLES) | st.floats(allow_nan=False, allow_infinity=False).map(lambda x: x or 0.0)
dates_ms = st.sampled_from(DATES_MS) | st.integers(-(10**10), 2 * 10**12)

#: In the form that assets hold them in.
of_kind: dict[FieldType, st.SearchStrategy[Any]] = {
    FieldType.STRING: strings,
    FieldType.TEXT: sentences,
    FieldType.LONG: longs,
    FieldType.DOUBLE: doubles,
    FieldType.BOOLEAN: st.booleans(),
    FieldType.DATE: dates_ms.map(format_ms),
}

T = TypeVar("T")


def draw_prefix(draw: st.DrawFn, text: str) -> str:
    """Some of the beginning of `text`, or what would just miss it."""
    prefix = text[: draw(st.integers(0, len(text)))]
    if prefix and ord(prefix[-1]) > 1 and not draw(st.integers(0, 3)):
        before = ord(prefix[-1]) - 1
        prefix = prefix[:-1] + chr(0xD7FF if 0xD800 <= before <= 0xDFFF else before)
    return prefix


def draw_words(draw: st.DrawFn, texts: Sequence[str]) -> tuple[str, ...]:
    """One or two words, of these texts if they have any: of one of them, or of two."""
    known = sorted({word for text in texts for word in tokenize(text)})
    among = known if known and draw(st.integers(0, 3)) else WORDS
    return tuple(dict.fromkeys(pick(draw, among) for _ in range(pick(draw, [1, 2, 2]))))


def pick(draw: st.DrawFn, among: Sequence[T]) -> T:
    """Like `sampled_from`, without the cost of a strategy for every list."""
    return among[draw(st.integers(0, len(among) - 1))]
