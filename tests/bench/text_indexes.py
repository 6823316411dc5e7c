"""Two inverted indices on SQLite that answer the same searches: a table of words, as AMP had one, and FTS5 (ADR 012).

Both keep one posting per word, document, field and entry, so that words can be searched in the same entry. FTS5 has one
row per entry. The number of the row is that of the document, the field and the entry.
"""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import orjson

from tests.bench.text_documents import TextDocument

_ENTRY_BITS = 14
_FIELD_BITS = 18
_DOC_BITS = _ENTRY_BITS + _FIELD_BITS
_COMMON_WORD = 1_000

#: A query for the numbers of documents, and its values.
Query = tuple[str, tuple[object, ...]]


class TextIndex(Protocol):
    @property
    def name(self) -> str:
        """Return the name in the table of figures."""

    def create(self, connection: sqlite3.Connection) -> None:
        """Create the tables."""

    def add(self, connection: sqlite3.Connection, documents: Sequence[TextDocument]) -> None:
        """Add documents, whose numbers are greater than those of all earlier ones."""

    def remove(self, connection: sqlite3.Connection, docs: Sequence[int]) -> None:
        """Remove the documents with these numbers."""

    def anywhere(self, connection: sqlite3.Connection, words: Sequence[str]) -> Query:
        """Return a query for the documents that have all the words, in any entries."""

    def in_entry(self, connection: sqlite3.Connection, field: int, words: Sequence[str]) -> Query:
        """Return a query for the documents that have all the words in one entry of the field."""

    def prefix(self, prefix: str) -> Query:
        """Return a query for the documents that have a word with this beginning."""

    def phrase(self, words: Sequence[str]) -> Query | None:
        """Return a query for the documents that have the words in this order in one entry. None: not supported."""

    def holds(self, word: str) -> Query:
        """Return a condition on a document `d` that was found otherwise: it has the word."""


@dataclass(frozen=True)
class WordTable:
    """The tables and statements of AMP before it used FTS5."""

    name: str = "table `words`"

    def create(self, connection: sqlite3.Connection) -> None:
        connection.execute("CREATE TABLE sources (doc INTEGER PRIMARY KEY, words TEXT NOT NULL)")
        connection.execute(
            "CREATE TABLE words (word TEXT NOT NULL, doc INTEGER NOT NULL, field INTEGER NOT NULL,"
            " entry INTEGER NOT NULL, PRIMARY KEY (word, doc, field, entry)) WITHOUT ROWID"
        )

    def add(self, connection: sqlite3.Connection, documents: Sequence[TextDocument]) -> None:
        rows, sources = list[tuple[str, int, int, int]](), []
        for document in documents:
            words = {(word, text.field, text.entry) for text in document.texts for word in text.words}
            rows += [(word, document.doc, field, entry) for word, field, entry in words]
            sources.append((document.doc, " ".join({word for word, _, _ in words})))
        rows.sort()
        connection.executemany("INSERT INTO sources (doc, words) VALUES (?, ?)", sources)
        connection.executemany("INSERT INTO words (word, doc, field, entry) VALUES (?, ?, ?, ?)", rows)

    def remove(self, connection: sqlite3.Connection, docs: Sequence[int]) -> None:
        rows = []
        for doc in docs:
            (words,) = connection.execute("SELECT words FROM sources WHERE doc = ?", (doc,)).fetchone()
            rows += [(word, doc) for word in words.split()]
        connection.executemany("DELETE FROM words WHERE word = ? AND doc = ?", sorted(rows))
        connection.executemany("DELETE FROM sources WHERE doc = ?", [(doc,) for doc in docs])

    def anywhere(self, connection: sqlite3.Connection, words: Sequence[str]) -> Query:
        rarest, *others = self._rarest_first(connection, words)
        has_word = " AND EXISTS (SELECT 1 FROM words o WHERE o.word = ? AND o.doc = w.doc)"
        return f"SELECT w.doc AS doc FROM words w WHERE w.word = ?{has_word * len(others)}", (rarest, *others)

    def in_entry(self, connection: sqlite3.Connection, field: int, words: Sequence[str]) -> Query:
        rarest, *others = self._rarest_first(connection, words)
        has_word = (
            " AND EXISTS (SELECT 1 FROM words o WHERE o.word = ?"
            " AND o.doc = w.doc AND o.field = w.field AND o.entry = w.entry)"
        )
        sql = f"SELECT w.doc AS doc FROM words w WHERE w.word = ? AND w.field = ?{has_word * len(others)}"
        return sql, (rarest, field, *others)

    def prefix(self, prefix: str) -> Query:
        # The beginnings that are measured are of ASCII letters.
        end = prefix[:-1] + chr(ord(prefix[-1]) + 1)
        return "SELECT w.doc AS doc FROM words w WHERE w.word >= ? AND w.word < ?", (prefix, end)

    def phrase(self, words: Sequence[str]) -> Query | None:  # noqa: ARG002  the order of words is not stored
        return None

    def holds(self, word: str) -> Query:
        return "EXISTS (SELECT 1 FROM words w WHERE w.word = ? AND w.doc = d.doc)", (word,)

    def _rarest_first(self, connection: sqlite3.Connection, words: Sequence[str]) -> list[str]:
        def occurrences(word: str) -> int:
            sql = "SELECT count(*) FROM (SELECT 1 FROM words WHERE word = ? LIMIT ?)"
            count: int = connection.execute(sql, (word, _COMMON_WORD)).fetchone()[0]
            return count

        return sorted(words, key=occurrences) if len(words) > 1 else list(words)


@dataclass(frozen=True)
class Fts5:
    """An FTS5 table. To remove a row, FTS5 must be given its text again, so the text is stored as well, with a space
    before and after each word. AMP uses the variant with `by_document`.
    """

    detail: str  #: full, column or none
    external: bool = False  #: the texts are a table that FTS5 reads; False: AMP stores them by document
    by_document: bool = False  #: a second FTS5 table has one row per document, for words in different entries
    prefix_lengths: str = ""  #: lengths of the prefixes that have an index
    #: `ascii` divides at ASCII characters only, so it does not divide the words of our tokenizer.
    tokenizer: str = "ascii"

    @property
    def name(self) -> str:
        kind = "external content" if self.external else "contentless"
        prefix = f", prefix index {self.prefix_lengths}" if self.prefix_lengths else ""
        tokenizer = "" if self.tokenizer == "ascii" else f", {self.tokenizer}"
        documents = ", two tables" if self.by_document else ""
        return f"FTS5 {kind}{documents}, detail {self.detail}{prefix}{tokenizer}"

    def create(self, connection: sqlite3.Connection) -> None:
        if self.external:
            connection.execute("CREATE TABLE sources (id INTEGER PRIMARY KEY, text TEXT NOT NULL)")
        else:
            connection.execute("CREATE TABLE sources (doc INTEGER PRIMARY KEY, texts TEXT NOT NULL)")
        options = [f"detail={self.detail}", "columnsize=0", f"tokenize=\"{self.tokenizer} tokenchars '.'\""]
        options.append("content='sources', content_rowid='id'" if self.external else "content=''")
        if self.prefix_lengths:
            options.append(f"prefix='{self.prefix_lengths}'")
        connection.execute(f"CREATE VIRTUAL TABLE fts USING fts5(text, {', '.join(options)})")
        if self.by_document:
            connection.execute(f"CREATE VIRTUAL TABLE fts_documents USING fts5(text, {', '.join(options)})")

    def add(self, connection: sqlite3.Connection, documents: Sequence[TextDocument]) -> None:
        rows, sources = list[tuple[int, str]](), []
        for document in documents:
            texts = [
                (document.doc << _DOC_BITS | text.field << _ENTRY_BITS | text.entry, f" {' '.join(text.words)} ")
                for text in document.texts
            ]
            rows += sorted(texts)
            if not self.external:
                sources.append((document.doc, orjson.dumps(texts).decode()))
        if self.external:
            connection.executemany("INSERT INTO sources (id, text) VALUES (?, ?)", rows)
        else:
            connection.executemany("INSERT INTO sources (doc, texts) VALUES (?, ?)", sources)
        connection.executemany("INSERT INTO fts (rowid, text) VALUES (?, ?)", rows)
        if self.by_document:
            connection.executemany("INSERT INTO fts_documents (rowid, text) VALUES (?, ?)", _by_document(rows))

    def remove(self, connection: sqlite3.Connection, docs: Sequence[int]) -> None:
        rows = []
        for doc in docs:
            if self.external:
                sql = "SELECT id, text FROM sources WHERE id BETWEEN ? AND ?"
                rows += connection.execute(sql, (doc << _DOC_BITS, (doc + 1 << _DOC_BITS) - 1)).fetchall()
            else:
                (texts,) = connection.execute("SELECT texts FROM sources WHERE doc = ?", (doc,)).fetchone()
                rows += orjson.loads(texts)
        connection.executemany("INSERT INTO fts (fts, rowid, text) VALUES ('delete', ?, ?)", sorted(map(tuple, rows)))
        if self.by_document:
            delete = "INSERT INTO fts_documents (fts_documents, rowid, text) VALUES ('delete', ?, ?)"
            connection.executemany(delete, _by_document(sorted(map(tuple, rows))))
        if self.external:
            connection.executemany("DELETE FROM sources WHERE id = ?", [(row[0],) for row in rows])
        else:
            connection.executemany("DELETE FROM sources WHERE doc = ?", [(doc,) for doc in docs])

    def anywhere(self, connection: sqlite3.Connection, words: Sequence[str]) -> Query:  # noqa: ARG002
        if self.by_document:
            matched = " AND ".join(f'"{word}"' for word in words)
            return "SELECT rowid AS doc FROM fts_documents WHERE fts_documents MATCH ?", (matched,)
        one = f"SELECT rowid >> {_DOC_BITS} AS doc FROM fts WHERE fts MATCH ?"
        return " INTERSECT ".join([one] * len(words)), tuple(f'"{word}"' for word in words)

    def in_entry(self, connection: sqlite3.Connection, field: int, words: Sequence[str]) -> Query:  # noqa: ARG002
        of_field = f"rowid >> {_ENTRY_BITS} & {(1 << _FIELD_BITS) - 1} = ?"
        sql = f"SELECT rowid >> {_DOC_BITS} AS doc FROM fts WHERE fts MATCH ? AND {of_field}"
        return sql, (" AND ".join(f'"{word}"' for word in words), field)

    def prefix(self, prefix: str) -> Query:
        return f"SELECT rowid >> {_DOC_BITS} AS doc FROM fts WHERE fts MATCH ?", (f'"{prefix}" *',)

    def phrase(self, words: Sequence[str]) -> Query | None:
        if self.detail != "full":
            return None
        return f"SELECT rowid >> {_DOC_BITS} AS doc FROM fts WHERE fts MATCH ?", (f'"{" ".join(words)}"',)

    def holds(self, word: str) -> Query:
        if self.by_document:
            return "EXISTS (SELECT 1 FROM sources s WHERE s.doc = d.doc AND instr(s.texts, ?))", (f" {word} ",)
        return f"d.doc IN (SELECT rowid >> {_DOC_BITS} FROM fts WHERE fts MATCH ?)", (f'"{word}"',)


def _by_document(rows: Sequence[tuple[int, str]]) -> list[tuple[int, str]]:
    """Return the texts of each document joined, from the texts of its entries."""
    texts = dict[int, list[str]]()
    for row_id, text in rows:
        texts.setdefault(row_id >> _DOC_BITS, []).append(text)
    return [(doc, " ".join(each)) for doc, each in texts.items()]
