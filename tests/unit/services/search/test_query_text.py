"""The compact text form of a query reads as documented, and whatever cannot be read is refused with its place."""

import re
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from amp.domain.queries import Condition, Conjunction, Disjunction, Negation, Query
from amp.domain.types import FieldType
from amp.errors import BadQuery
from amp.services.search.query_text import MAX_BYTES, parse_query_text


def c(field: str, **operators: object) -> Condition:
    return Condition(field, tuple((name.rstrip("_"), value) for name, value in operators.items()), "/q")


READ: list[tuple[str, Query | None, str | None]] = [
    ("", None, None),
    ("  \n", None, None),
    ("*", None, None),
    ("*:*", Conjunction(()), None),
    ("land", None, "land"),
    ('land "the girls"', None, "land the girls"),
    ("+land AND girls", None, "land girls"),
    ("metadata.codec:h264", c("metadata.codec", eq="h264"), None),
    ("codec:h264", c("metadata.codec", eq="h264"), None),
    ("name:Alien", c("name", eq="Alien"), None),
    ('name:"The Land Girls"', c("name", eq="The Land Girls"), None),
    (r"name:The\ Land\*", c("name", eq="The Land*"), None),
    (r'name:"say \"hi\""', c("name", eq='say "hi"'), None),
    ("codec:h264 land", c("metadata.codec", eq="h264"), "land"),
    ("cameraId:42", c("metadata.cameraId", in_=[42, "42"]), None),
    ("cameraId:-42", c("metadata.cameraId", in_=[-42, "-42"]), None),
    ("gain:1.5e3", c("metadata.gain", in_=[1500.0, "1.5e3"]), None),
    ('cameraId:"42"', c("metadata.cameraId", eq="42"), None),
    ("drop:true", c("metadata.drop", in_=[True, "true"]), None),
    ("n:99999999999999999999", c("metadata.n", eq="99999999999999999999"), None),
    ("n:1e999", c("metadata.n", eq="1e999"), None),
    ("name:Al*", c("name", prefix="Al"), None),
    ("codec:*", c("metadata.codec", exists=True), None),
    ("NOT codec:*", Negation(c("metadata.codec", exists=True)), None),
    ("-codec:h264", Negation(c("metadata.codec", eq="h264")), None),
    ("n:[1 TO 5]", c("metadata.n", gte=1, lte=5), None),
    ("n:{1 TO 5}", c("metadata.n", gt=1, lt=5), None),
    ("n:[1 TO 5}", c("metadata.n", gte=1, lt=5), None),
    ("n:[-5 TO *]", c("metadata.n", gte=-5), None),
    ("n:[* TO *]", c("metadata.n", exists=True), None),
    ('n:["1" TO "5"]', c("metadata.n", gte="1", lte="5"), None),
    ("n:>5", c("metadata.n", gt=5), None),
    ("n:>=-5.5", c("metadata.n", gte=-5.5), None),
    ("n:>=-.5", c("metadata.n", gte=-0.5), None),
    ("n:.5", c("metadata.n", in_=[0.5, ".5"]), None),
    ("n:-.5", c("metadata.n", in_=[-0.5, "-.5"]), None),
    ("n:<-5", c("metadata.n", lt=-5), None),
    ("n:<=5", c("metadata.n", lte=5), None),
    ("n:>=*", c("metadata.n", exists=True), None),
    ("n:>*", c("metadata.n", exists=True), None),
    ("n:<*", c("metadata.n", exists=True), None),
    ("NOT n:<=*", Negation(c("metadata.n", exists=True)), None),
    ('""', None, ""),
    ('"" a:x', c("metadata.a", eq="x"), ""),
    ("created_at:>2020-01-01T10:20:30.5Z", c("created_at", gt="2020-01-01T10:20:30.5Z"), None),
    ("created_at:[2020-01-01 TO 2021-01-01}", c("created_at", gte="2020-01-01", lt="2021-01-01"), None),
    ("a:x b:y", Conjunction((c("metadata.a", eq="x"), c("metadata.b", eq="y"))), None),
    (
        "a:x AND (b:y AND c:z)",
        Conjunction((c("metadata.a", eq="x"), c("metadata.b", eq="y"), c("metadata.c", eq="z"))),
        None,
    ),
    ("a:x OR b:y", Disjunction((c("metadata.a", eq="x"), c("metadata.b", eq="y"))), None),
    ("a:x b:y OR b:z", Conjunction((c("metadata.a", eq="x"), c("metadata.b", in_=["y", "z"]))), None),
    ("a:(x OR y OR 3)", c("metadata.a", in_=["x", "y", 3, "3"]), None),
    ("a:(x y)", Conjunction((c("metadata.a", eq="x"), c("metadata.a", eq="y"))), None),
    ("a:(x OR y*)", Disjunction((c("metadata.a", eq="x"), c("metadata.a", prefix="y"))), None),
    ("a:(1 AND NOT -2)", Conjunction((c("metadata.a", in_=[1, "1"]), Negation(c("metadata.a", in_=[-2, "-2"])))), None),
    ("(land a:x) b:y", Conjunction((c("metadata.a", eq="x"), c("metadata.b", eq="y"))), "land"),
    ("or and not", None, "or and not"),
]


@pytest.mark.parametrize(("text", "query", "words"), READ, ids=[repr(text) for text, _, _ in READ])
def test_a_text_reads_as_documented(text: str, query: Query | None, words: str | None) -> None:
    assert parse_query_text(text) == (query, words)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("a:", "end"),
        ("(a:x", "end"),
        ("a:x)", ") is not allowed here; quote it if it belongs to a value (at character 4)"),
        ('a:"x', "a quotation mark is not closed (at character 3)"),
        ("a:[1 TO 2", "end"),
        ("AND", "(at character 1)"),
        ("a /x", "/x is not allowed here; quote it if it belongs to a value (at character 3)"),
        ("n:>=-5 AND )", "(at character 12)"),
        ("~ a", "~ is not allowed here; quote it if it belongs to a value (at character 1)"),
        ("n:1 && m:2", "&& is not an operator; use AND (at character 5)"),
        ("a || b", "|| is not an operator; use OR (at character 3)"),
        ("a:[-x TO y]", "a word that does not begin with -"),
        ("land~", "fuzzy"),
        ("land~1.1.1", "not supported"),
        ('"a b"~2', "proximity"),
        ("land^2", "boosts"),
        ("a:/x.*/", "regular"),
        ("land OR a:x", "name a field (at character 1)"),
        ("a:x NOT land", "name a field (at character 9)"),
        ("la*", "needs a field"),
        ("a:*x", "at the end"),
        ("a:x*y*", "at the end"),
        ("a:x?", "at the end"),
        ("[1 TO 2]", "range needs a field"),
        (">5", "range needs a field"),
        ("a:[x* TO y]", "cannot contain a wildcard"),
        ("a:[-x TO y]", "bound"),
        ("a:b:c", "second colon"),
        ("at:2020-01-01T10:00:00+01:00", "second colon"),
        ("(" * 60 + "x" + ")" * 60, "deeper"),
        ("NOT " * 60 + "a:x", "deeper"),
        ("a\ud800", "surrogate"),
        ("x" * (MAX_BYTES + 1), "at most 4096"),
    ],
)
def test_what_cannot_be_read_is_refused_with_the_reason(text: str, hint: str) -> None:
    with pytest.raises(BadQuery) as refused:
        parse_query_text(text)
    assert hint in refused.value.message
    assert refused.value.faults[0].pointer == "/q"


def test_a_field_that_holds_only_text_is_matched_by_words() -> None:
    kinds = {"plot": frozenset({FieldType.TEXT}), "tagline": frozenset({FieldType.TEXT, FieldType.STRING})}.__getitem__
    assert parse_query_text('plot:"two words"', kinds) == (c("metadata.plot", match="two words"), None)
    assert parse_query_text("plot:42", kinds) == (c("metadata.plot", match="42"), None)
    assert parse_query_text("tagline:x", kinds) == (c("metadata.tagline", eq="x"), None)


_PAGE = (Path(__file__).parents[4] / "docs" / "search.md").read_text()
_SECTION = _PAGE.partition("## The compact text form\n")[2].partition("\n## ")[0]
_SHOWN = [
    text
    for line in _SECTION.splitlines()
    if line.startswith("| `")
    for text in re.findall(r"`([^`]+)`", line.split("|")[1])
]


@pytest.mark.parametrize("text", _SHOWN)
def test_every_example_of_the_documentation_can_be_read(text: str) -> None:
    assert parse_query_text(text) != (None, None) or text == "*"


def test_the_documentation_shows_examples() -> None:
    assert len(_SHOWN) > 20


_PIECES = [
    "a",
    "name",
    ":",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    " TO ",
    " AND ",
    " OR ",
    "NOT ",
    '"',
    "*",
    "?",
    "~",
    "^",
    "/",
]
_PIECES += ["\\", "+", "-", ">", "<", "=", " ", "1", "1.5", "2020-01-01T10:00", "é", "\x00", "\udc2d", "\n", "!", "&&"]


@settings(max_examples=1_000)
@given(st.one_of(st.text(max_size=40), st.lists(st.sampled_from(_PIECES), max_size=25).map("".join)))
@example("a:" * 2_000)
@example("a " * 2_000)
@example("a^" * 2_000)
@example("(" * 4_000)
@example("NOT " * 1_000)
def test_any_text_is_read_or_refused_and_nothing_else(text: str) -> None:
    try:
        read = parse_query_text(text)
    except BadQuery:
        return
    assert "\udc2d" not in repr(read)
