"""Reads the compact text form of a query, `codec:h264 AND width:>=1920 trailer`, into the query tree.

    word  "two words"         words that must occur somewhere in the asset, in any order
    codec:h264                equal; `codec` is short for `metadata.codec` unless it is a root field
    size:42  on:true          unquoted: a number or a truth value, and its text as well
    size:"42"                 quoted: text only
    name:Alien*  codec:*      starts with (case-sensitive); has any value
    width:>=1920  at:[2020-01-01 TO 2021-01-01}  long:[-5 TO *]
    codec:(h264 OR hevc)      several values of one field
    AND OR NOT ( ) + -        a space means AND and binds looser than OR

A field that has only `text` values is matched by words. A backslash escapes the character after it. Values with spaces
or colons are quoted, such as times with an offset. Regular expressions, fuzzy words, proximity, boosts and wildcards
other than at the end are refused.
"""

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from luqum import tree  # type: ignore[import-untyped]  # luqum brings no types
from luqum.thread import parse as parse_lucene  # type: ignore[import-untyped]  # luqum brings no types

from amp.domain.queries import METADATA_PREFIX, ROOT_FIELDS, Condition, Conjunction, Disjunction, Negation, Query
from amp.domain.storable_text import CONTAINS_SURROGATE
from amp.domain.types import FieldType
from amp.domain.validation import LONG_MAX, LONG_MIN
from amp.errors import BadQuery

#: Maximum size of a query text, in bytes.
MAX_BYTES = 4 * 1024
#: Maximum depth of brackets: far more than a search allows, and far less than recursion does.
_MAX_DEPTH = 50
_POINTER = "/q"

_NUMBER = re.compile(r"-?(\d+(\.\d+)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_TRUTH = {"true": True, "false": False}
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
#: The grammar does not know `x:>-5`. An unpaired surrogate, which valid text never contains, carries the minus through
#: it.
_HELD_MINUS = "\udc2d"
_MINUS_OF_BOUND = re.compile(r"(?<=[<>=])-(?=\.?\d)")
#: What the parser says of a place that it cannot read.
_UNEXPECTED = re.compile(r"' at position (\d+)")
#: Characters of the text that an error quotes.
_QUOTED_CHARS = 20
#: Operators of other query languages.
_FOREIGN_OPERATORS = {"&&": "AND", "||": "OR", "!": "NOT"}
_UNSUPPORTED = {
    tree.Regex: "regular expressions are not supported; quote a value that contains '/'",
    tree.Fuzzy: "fuzzy words (~) are not supported",
    tree.Proximity: "proximity (~) is not supported",
    tree.Boost: "boosts (^) are not supported",
}

Kinds = Callable[[str], frozenset[FieldType]]


def parse_query_text(text: str, kinds: Kinds | None = None) -> tuple[Query | None, str | None]:
    """Return the query and the words to find in all text; (None, None) finds everything.

    :param kinds: returns the field types of a metadata key in all asset types, so that text is matched by words.
    :raises BadQuery: the text cannot be parsed; the error names the place in the text.
    """
    try:
        size = len(text.encode())
    except UnicodeEncodeError as e:
        raise _refusal(CONTAINS_SURROGATE, e.start) from e
    if size > MAX_BYTES:
        raise _refusal(f"is {size} bytes long; at most {MAX_BYTES} are allowed")
    if not text.strip():
        return None, None
    reader = _Reader(kinds=kinds or (lambda _: frozenset()))
    reader.conjunction(_parse(text), 0)
    # An empty phrase must not find everything. It stays, and is refused as a text without words.
    return (_all(reader.parts) if reader.parts else None), (" ".join(reader.words) if reader.words else None)


def _parse(text: str) -> tree.Item:
    try:
        return parse_lucene(_MINUS_OF_BOUND.sub(_HELD_MINUS, text))
    except ArithmeticError as e:  # from degrees and boosts that are not numbers
        raise _refusal("has a ~ or ^ that is not supported") from e
    except ValueError as e:
        raise _syntax_error(text, str(e)) from e


def _syntax_error(text: str, message: str) -> BadQuery:
    """Return the parser's error in plain words, with the place counted from 1 as in all other errors."""
    found = _UNEXPECTED.search(message)
    if found is None:
        return _refusal("ends too early: a value is missing, or a parenthesis is not closed")
    position = int(found[1])
    what = text[position : position + _QUOTED_CHARS].partition(" ")[0]
    if what.startswith('"'):
        return _refusal("a quotation mark is not closed", position)
    return _refusal(f"{what} is not allowed here; quote it if it belongs to a value", position)


@dataclass(frozen=True, kw_only=True)
class _Reader:
    """Walks one parsed text. The parts that are joined by AND at its top are collected in `words` and `parts`."""

    kinds: Kinds
    words: list[str] = field(default_factory=list, init=False)
    parts: list[Query] = field(default_factory=list, init=False)

    def conjunction(self, item: tree.Item, depth: int) -> None:
        _check_depth(item, depth)
        match item:
            case tree.AndOperation() | tree.UnknownOperation() | tree.Group() | tree.Plus():
                for child in item.children:
                    self.conjunction(child, depth + 1)
            case tree.Word(value="*"):
                pass
            case tree.Word() | tree.Phrase():
                self.words.append(_word(item))
            case _:
                self.parts.append(self._query(item, depth))

    def _query(self, item: tree.Item, depth: int) -> Query:
        _check_depth(item, depth)
        match item:
            case tree.SearchField(name="*", expr=tree.Word(value="*")):
                return Conjunction(())
            case tree.SearchField():
                return self._values(self._field(item.name), item.expr, depth + 1)
            case tree.Word() | tree.Phrase():
                raise _refusal("a word without a field is not allowed inside OR or NOT: name a field", item.pos)
        return self._joined(item, lambda child: self._query(child, depth + 1))

    def _values(self, field: str, item: tree.Item, depth: int) -> Query:
        _check_depth(item, depth)
        match item:
            case tree.Word(value="*"):
                return _condition(field, exists=True)
            case tree.Word():
                return self._equal_or_prefix(field, item)
            case tree.Phrase():
                return self._equal(field, (_unescaped(item.value[1:-1]),))
            case tree.Prohibit(a=tree.Word()) if _NUMBER.fullmatch(item.a.value):
                return self._equal(field, _readings(f"-{item.a.value}"))
            case tree.Range():
                low = _bound("gte" if item.include_low else "gt", item.low)
                high = _bound("lte" if item.include_high else "lt", item.high)
                return _within(field, low | high)
            case tree.From():
                return _within(field, _bound("gte" if item.include else "gt", item.a))
            case tree.To():
                return _within(field, _bound("lte" if item.include else "lt", item.a))
            case tree.SearchField():
                raise _refusal("has a second colon: quote a value that contains ':'", item.pos)
        return self._joined(item, lambda child: self._values(field, child, depth + 1))

    def _joined(self, item: tree.Item, inner: Callable[[tree.Item], Query]) -> Query:
        match item:
            case tree.OrOperation():
                return _any([inner(child) for child in item.children])
            case tree.AndOperation() | tree.UnknownOperation():
                return _all([inner(child) for child in item.children])
            case tree.Not() | tree.Prohibit():
                return Negation(inner(item.a))
            case tree.Group() | tree.FieldGroup() | tree.Plus():
                return inner(item.children[0])
            case tree.Range() | tree.From() | tree.To():
                raise _refusal("a range needs a field before it", item.pos)
        raise _refusal(_UNSUPPORTED.get(type(item), "is not supported"), item.pos)

    def _field(self, name: str) -> str:
        field = _unescaped(name)
        return field if field in ROOT_FIELDS or field.startswith(METADATA_PREFIX) else METADATA_PREFIX + field

    def _equal_or_prefix(self, field: str, item: tree.Word) -> Query:
        is_prefix = _check_wildcards(item)
        if is_prefix:
            return _condition(field, prefix=_unescaped(item.value[:-1]))
        return self._equal(field, _readings(_unescaped(item.value)))

    def _equal(self, field: str, readings: tuple[str | int | float | bool, ...]) -> Query:
        if self._holds_only_text(field):
            return _condition(field, match=str(readings[-1]))
        return _condition(field, eq=readings[0]) if len(readings) == 1 else _condition(field, **{"in": list(readings)})

    def _holds_only_text(self, field: str) -> bool:
        if not field.startswith(METADATA_PREFIX):
            return False
        return self.kinds(field.removeprefix(METADATA_PREFIX)) == {FieldType.TEXT}


def _within(field: str, bounds: dict[str, object]) -> Query:
    """Return the condition that a value lies within these bounds. If all ends are open, any value does."""
    return _condition(field, **(bounds or {"exists": True}))


def _bound(operator: str, item: tree.Item) -> dict[str, object]:
    """Return the bound as an operator with its operand; nothing for an open end."""
    if isinstance(item, tree.Phrase):
        return {operator: _unescaped(item.value[1:-1])}
    minus = isinstance(item, tree.Prohibit)
    word = item.a if minus else item
    if not isinstance(word, tree.Word) or (minus and not _NUMBER.fullmatch(word.value)):
        raise _refusal("a bound must be a number, a quoted value, or a word that does not begin with -", item.pos)
    if word.value == "*" and not minus:
        return {}
    if _check_wildcards(word):
        raise _refusal("a bound cannot contain a wildcard: escape it as \\* or quote the value", word.pos)
    return {operator: _readings(("-" if minus else "") + _unescaped(word.value))[0]}


def _readings(word: str) -> tuple[str | int | float | bool, ...]:
    """Return the values that an unquoted word may mean. The last one is its text."""
    if word in _TRUTH:
        return _TRUTH[word], word
    if not _NUMBER.fullmatch(word):
        return (word,)
    number = int(word) if word.lstrip("-").isdigit() else float(word)
    fits = LONG_MIN <= number <= LONG_MAX if isinstance(number, int) else math.isfinite(number)
    return (number, word) if fits else (word,)


def _check_wildcards(item: tree.Word) -> bool:
    """Return whether the word ends in its only wildcard.

    :raises BadQuery: it has a wildcard elsewhere.
    """
    plain = _ESCAPED.sub("__", item.value)
    if "?" in plain or "*" in plain[:-1]:
        raise _refusal("only a * at the end of a value is supported; escape others as \\* or \\?", item.pos)
    return plain.endswith("*")


def _word(item: tree.Word | tree.Phrase) -> str:
    if isinstance(item, tree.Phrase):
        return _unescaped(item.value[1:-1])
    if item.value in _FOREIGN_OPERATORS:
        raise _refusal(f"{item.value} is not an operator; use {_FOREIGN_OPERATORS[item.value]}", item.pos)
    if _check_wildcards(item):
        raise _refusal("a * needs a field before it, as in name:begin*", item.pos)
    return _unescaped(item.value)


def _unescaped(value: str) -> str:
    return _ESCAPED.sub(r"\1", value).replace(_HELD_MINUS, "-")


def _condition(field: str, **operators: object) -> Condition:
    return Condition(field, tuple(operators.items()), _POINTER)


def _all(parts: Sequence[Query]) -> Query:
    flat = [inner for part in parts for inner in (part.parts if isinstance(part, Conjunction) else (part,))]
    return flat[0] if len(flat) == 1 else Conjunction(tuple(flat))


def _any(parts: Sequence[Query]) -> Query:
    """Merge alternatives for one field into one condition, because the number of conditions is limited."""
    flat = [inner for part in parts for inner in (part.parts if isinstance(part, Disjunction) else (part,))]
    merged: dict[str, list[object]] = {}
    others: list[Query] = []
    for part in flat:
        match part:
            case Condition(field, (("eq", value),)):
                merged.setdefault(field, []).append(value)
            case Condition(field, (("in", list() as values),)):
                merged.setdefault(field, []).extend(values)
            case _:
                others.append(part)
    lists = [
        _condition(field, eq=values[0]) if len(values) == 1 else _condition(field, **{"in": values})
        for field, values in merged.items()
    ]
    joined = [*lists, *others]
    return joined[0] if len(joined) == 1 else Disjunction(tuple(joined))


def _check_depth(item: tree.Item, depth: int) -> None:
    if depth > _MAX_DEPTH:
        raise _refusal(f"is nested deeper than {_MAX_DEPTH} levels", item.pos)


def _refusal(why: str, position: int | None = None) -> BadQuery:
    detail = why if position is None else f"{why} (at character {position + 1})"
    return BadQuery.at(_POINTER, detail)
