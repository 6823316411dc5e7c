"""`python -m tests.bench.embedded_text`: compares inverted indices for the embedded profile (ADR 012).

The arguments are the number of documents and the number of rounds. Each round builds every index anew, searches it, and
changes it; the indices take turns. All indices must give the same answers, which are also computed without an index.
Times are CPU times, which other processes hardly disturb; waits for the disk are not in them. Figures are medians.
"""

import gc
import random
import sqlite3
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from time import process_time
from typing import TypeVar

from tests.bench.text_documents import TextDocument, changed, documents
from tests.bench.text_indexes import Fts5, Query, TextIndex, WordTable
from tests.bench.text_searches import KINDS, Search, changed_words, count_right_answers, examples
from tests.bench.text_share import share
from tests.bench.text_writes import written_bytes

INDEXES: tuple[TextIndex, ...] = (
    WordTable(),
    Fts5("none"),
    Fts5("none", by_document=True),
    Fts5("column"),
    Fts5("full"),
    Fts5("none", prefix_lengths="2 3"),
    Fts5("none", external=True),
    Fts5("none", tokenizer="unicode61 remove_diacritics 0"),
)
_Item = TypeVar("_Item")
_SEED = 7
_BATCH = 500  #: documents of one transaction, as in an index worker
_CHANGED = 1_000
_CHANGES_BATCH = 100
_SEARCH_ROUNDS = 3
#: A search in order of creation collects this many matches at most.
_COLLECTED = 10_001


@dataclass
class Figures:
    """The measured values of one index, by what was measured."""

    values: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def add(self, what: str, value: float) -> None:
        self.values[what].append(value)


def main(count: int = 100_000, rounds: int = 3) -> None:
    contents = list(documents(count))
    searches = examples(contents)
    gc.freeze()
    _say(f"SQLite {sqlite3.sqlite_version}, {count:,} documents, {rounds} rounds\n")
    for tokenizer in ("ascii", "unicode61 remove_diacritics 0"):
        _say(f"words that {tokenizer} changes or loses: {' '.join(changed_words(tokenizer)) or 'none'}\n")
    _say(share(contents) + "\n")
    figures = {index.name: Figures() for index in INDEXES}
    for number in range(rounds):
        _round(number, contents, searches, figures)
        _say(f"\nafter {number + 1} of {rounds} rounds:\n{_table(figures)}")


def _round(
    number: int, contents: Sequence[TextDocument], searches: Sequence[Search], figures: dict[str, Figures]
) -> None:
    # The order changes, so that no index is always measured first.
    turn = number % len(INDEXES)
    indexes = (*INDEXES[turn:], *INDEXES[:turn])
    with tempfile.TemporaryDirectory() as folder:
        paths = {index.name: Path(folder) / f"{position}.db" for position, index in enumerate(indexes)}
        for index in indexes:
            _build(index, paths[index.name], contents, figures[index.name])
        readers = {index: _open(paths[index.name], cache_kib=8 * 1024) for index in indexes}
        if number == 0:
            _say(f"{count_right_answers(readers, searches, contents)} answers are right\n")
        for _ in range(_SEARCH_ROUNDS):
            for search in searches:
                for index in indexes:
                    _search(search, index, readers[index], figures[index.name])
        current = {document.doc: document for document in contents}
        chosen = random.Random(_SEED).sample(sorted(current), 2 * _CHANGED)
        for index in indexes:
            _change(index, paths[index.name], current, chosen, figures[index.name])
        if number == 0:
            for doc in chosen:
                before = current.pop(doc)
                if doc in chosen[:_CHANGED]:
                    new = len(contents) + 1 + chosen.index(doc)
                    current[new] = changed(before, new)
            _say(f"{count_right_answers(readers, searches, list(current.values()))} answers are right after changes\n")
        for reader in readers.values():
            reader.close()


def _open(path: Path, cache_kib: int) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None)
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "wal_autocheckpoint = 8000", "temp_store = MEMORY"):
        connection.execute(f"PRAGMA {pragma}")
    connection.execute(f"PRAGMA cache_size = -{cache_kib}")
    connection.execute("CREATE TEMP TABLE matches (doc INTEGER PRIMARY KEY)")
    return connection


def _build(index: TextIndex, path: Path, contents: Sequence[TextDocument], figures: Figures) -> None:
    connection = _open(path, cache_kib=64 * 1024)
    connection.execute("CREATE TABLE documents (doc INTEGER PRIMARY KEY, kind INTEGER NOT NULL, title TEXT NOT NULL)")
    connection.execute("CREATE INDEX documents_by_kind ON documents (kind)")
    index.create(connection)
    took, written = list[float](), 0
    for batch in _batches(contents, _BATCH):
        connection.execute("BEGIN IMMEDIATE")
        _add_documents(connection, batch)
        before_s, before_bytes = process_time(), written_bytes()
        index.add(connection, batch)
        connection.execute("COMMIT")
        took.append(process_time() - before_s)
        written += written_bytes() - before_bytes
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    figures.add("bulk indexing, µs per document", sum(took) / len(contents) * 1e6)
    figures.add("longest transaction of bulk indexing, ms", max(took) * 1e3)
    figures.add("bytes written by bulk indexing, MB", written / 1e6)
    figures.add("size, MB", _size(connection) / 1e6)
    if isinstance(index, Fts5):
        # Only to know the size. The index that is searched is as indexing left it.
        connection.execute("BEGIN")
        connection.execute("INSERT INTO fts (fts) VALUES ('optimize')")
        figures.add("size after `optimize`, MB", _size(connection) / 1e6)
        connection.execute("ROLLBACK")
    connection.close()


def _add_documents(connection: sqlite3.Connection, batch: Sequence[TextDocument]) -> None:
    rows = [(document.doc, document.doc % KINDS, document.title) for document in batch]
    connection.executemany("INSERT INTO documents VALUES (?, ?, ?)", rows)


def _size(connection: sqlite3.Connection) -> int:
    """Return the size of the index with what is stored to remove documents from it."""
    size: int = connection.execute("SELECT sum(pgsize) FROM dbstat WHERE name NOT LIKE 'documents%'").fetchone()[0]
    return size


def _change(
    index: TextIndex, path: Path, current: dict[int, TextDocument], chosen: Sequence[int], figures: Figures
) -> None:
    connection = _open(path, cache_kib=64 * 1024)
    next_doc = len(current) + 1

    def replace(docs: Sequence[int]) -> None:
        nonlocal next_doc
        successors = [changed(current[doc], next_doc + position) for position, doc in enumerate(docs)]
        next_doc += len(docs)
        _add_documents(connection, successors)
        index.remove(connection, docs)
        index.add(connection, successors)

    def remove(docs: Sequence[int]) -> None:
        index.remove(connection, docs)

    changes: list[tuple[str, Callable[[Sequence[int]], None], Sequence[int]]] = [
        ("replacing", replace, chosen[:_CHANGED]),
        ("removing", remove, chosen[_CHANGED:]),
    ]
    for what, change, docs in changes:
        before_s, before_bytes = process_time(), written_bytes()
        for batch in _batches(docs, _CHANGES_BATCH):
            connection.execute("BEGIN IMMEDIATE")
            change(batch)
            connection.executemany("DELETE FROM documents WHERE doc = ?", [(doc,) for doc in batch])
            connection.execute("COMMIT")
        figures.add(f"{what}, µs per document", (process_time() - before_s) / len(docs) * 1e6)
        figures.add(f"bytes written by {what}, kB per document", (written_bytes() - before_bytes) / len(docs) / 1e3)
    connection.close()


def _search(search: Search, index: TextIndex, connection: sqlite3.Connection, figures: Figures) -> None:
    before_s = process_time()
    try:
        for of_field, words in search.examples:
            limit = -1 if search.form == "sort" else _COLLECTED
            _collect(connection, search.query(index, connection, of_field, words), limit)
            if search.form == "sort":
                connection.execute(
                    "SELECT d.doc FROM matches m CROSS JOIN documents d ON d.doc = m.doc"
                    " ORDER BY d.title, d.doc LIMIT 21"
                ).fetchall()
    except LookupError:
        return
    figures.add(f"{search.name}, ms", (process_time() - before_s) / len(search.examples) * 1e3)


def _collect(connection: sqlite3.Connection, query: Query, limit: int) -> None:
    """Collect the matches as `amp.adapters.embedded.search_query` does."""
    sql, values = query
    connection.execute("BEGIN")
    connection.execute("DELETE FROM matches")
    connection.execute(
        f"INSERT INTO matches SELECT DISTINCT d.doc FROM ({sql}) c CROSS JOIN documents d ON d.doc = c.doc LIMIT ?",
        (*values, limit),
    )
    connection.execute("COMMIT")


def _table(figures: dict[str, Figures]) -> str:
    names = list(dict.fromkeys(what for each in figures.values() for what in each.values))
    return "\n".join(["", *_rows(names, figures)]) + "\n"


def _rows(names: Sequence[str], figures: dict[str, Figures]) -> Iterator[str]:
    yield "| | " + " | ".join(figures) + " |"
    yield "|---" * (len(figures) + 1) + "|"
    for what in names:
        cells = [f"{median(each.values[what]):.3g}" if each.values.get(what) else "–" for each in figures.values()]
        yield f"| {what} | " + " | ".join(cells) + " |"


def _batches(items: Sequence[_Item], size: int) -> Iterator[Sequence[_Item]]:
    return (items[start : start + size] for start in range(0, len(items), size))


def _say(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
