"""What counts as damage of a SQLite file, and what only means that a check found nothing."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from amp.adapters.embedded.integrity import damage_of
from amp.adapters.embedded.search_component import SearchComponent
from amp.adapters.embedded.search_database import SearchDatabase
from amp.adapters.embedded.search_words import entry_words, insert_words


@pytest.fixture(name="search_file")
def make_search_file(tmp_path: Path) -> Path:
    with closing(SearchDatabase(tmp_path)) as database:
        SearchComponent(database).migrate()
        with database.write() as connection:
            insert_words(connection, [(doc, [entry_words(1, 0, [f"word{doc}"])]) for doc in range(1, 2_000)])
    return tmp_path / "search.db"


@pytest.mark.parametrize("limit_s", [0.0, 10.0])
def test_a_sound_full_text_index_is_not_damaged(search_file: Path, limit_s: float) -> None:
    assert damage_of(search_file, limit_s) is None


@pytest.mark.parametrize(
    ("result", "is_damage"),
    [
        ("ok", False),
        ("unable to validate the inverted index for FTS5 table main.entry_words: interrupted", False),
        ("malformed inverted index for FTS5 table main.entry_words", True),
    ],
)
def test_a_check_of_fts5_that_did_not_finish_finds_no_damage(
    search_file: Path, result: str, is_damage: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite 3.44 and later check FTS5 tables, too."""

    class Connection(sqlite3.Connection):
        def execute(self, sql: str, values: Sequence[object] = ()) -> sqlite3.Cursor:  # type: ignore[override]
            return super().execute("SELECT ?", (result,)) if "quick_check" in sql else super().execute(sql, values)

    connect = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda path, **options: connect(path, factory=Connection, **options))
    assert damage_of(search_file) == (result if is_damage else None)
