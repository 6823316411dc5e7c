"""Conditions on words as SQL: queries of the full-text indices, and tests of the words stored with a document.

FTS5 reads the whole list of a word. To find out whether a given document has the word, it takes as long as to find all
documents that have it. For few documents, it is faster to read the stored words of each.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from amp.adapters.embedded.search_sql import TRUE, Sql, values_of
from amp.adapters.embedded.search_words import DOC_OF_ROW, ENTRY_OF_ROW, FIELD_OF_ROW

#: The number of the field and of the entry, and the words, in an element `w` of the JSON in `sources.words`.
_FIELD, _ENTRY, _WORDS = (f"json_extract(w.value, '$[{position}]')" for position in range(3))


@dataclass(frozen=True, slots=True)
class DocumentsWithWords:
    """The documents that have all these words anywhere."""

    words: Sequence[str]

    def query(self) -> Sql:
        """Return a query for the numbers of the documents, in order."""
        return Sql("SELECT w.rowid AS doc FROM document_words w WHERE w.document_words MATCH ?", (_match(self.words),))

    def stored(self) -> Sql:
        """Return the condition on `d` that its stored words are among them."""
        return _stored("sources s", _contain("s.words", self.words))


@dataclass(frozen=True, slots=True)
class EntriesWithWords:
    """The documents that have all these words in one entry."""

    words: Sequence[str]
    fields: str  #: a condition on the number of the entry's field
    value: Sql = TRUE  #: a condition on the value `v.value` of the entry

    def query(self) -> Sql:
        """Return a query for the numbers of the documents, in order."""
        conditions = [Sql("w.entry_words MATCH ?", (_match(self.words),)), Sql(f"{FIELD_OF_ROW} {self.fields}")]
        conditions += self._has_value(DOC_OF_ROW, FIELD_OF_ROW, ENTRY_OF_ROW)
        where = " AND ".join(condition.text for condition in conditions)
        return Sql(f"SELECT {DOC_OF_ROW} AS doc FROM entry_words w WHERE {where}", values_of(conditions))

    def stored(self) -> Sql:
        """Return the condition on `d` that its stored words are among them."""
        conditions = [Sql(f"{_FIELD} {self.fields}"), *_contain(_WORDS, self.words)]
        conditions += self._has_value("s.doc", _FIELD, _ENTRY)
        # The first test saves parsing the JSON in most documents that do not match.
        return _stored("sources s, json_each(s.words) w", [*_contain("s.words", self.words), *conditions])

    def _has_value(self, doc: str, field: str, entry: str) -> list[Sql]:
        if self.value is TRUE:
            return []
        same_entry = f"v.doc = {doc} AND v.field = {field} AND v.entry = {entry}"
        exists = f"EXISTS (SELECT 1 FROM entries v WHERE {same_entry} AND {self.value.text})"
        return [Sql(exists, self.value.values)]


def _match(words: Iterable[str]) -> str:
    """Return the FTS5 query for the rows that have all these words."""
    return " AND ".join(f'"{word}"' for word in words)


def _contain(stored: str, words: Iterable[str]) -> list[Sql]:
    """Return the conditions that stored words contain each of these words. A space is on both sides of each."""
    return [Sql(f"instr({stored}, ?)", (f" {word} ",)) for word in words]


def _stored(tables: str, conditions: Sequence[Sql]) -> Sql:
    where = " AND ".join(condition.text for condition in conditions)
    return Sql(f"EXISTS (SELECT 1 FROM {tables} WHERE s.doc = d.doc AND {where})", values_of(conditions))
