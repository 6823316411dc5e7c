"""A data folder from before words were found with FTS5 (ADR 012): its index is emptied, and filled from the store."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from amp.adapters.embedded import search_component
from amp.adapters.embedded.fts5 import require_fts5
from amp.domain.criteria import EntryMatches, IndexQuery, TextMatches, Words
from amp.domain.types import FieldType
from tests.support.service.amp_command import amp_command
from tests.support.service.built import built, running
from tests.support.service.wired import wired
from tests.support.stack.waiting import wait_until

_MIGRATION = "applied migration 0006_words_in_fts5 to search.db"
_TABLE_OF_WORDS = """
DROP TABLE entry_words;
DROP TABLE document_words;
CREATE TABLE words (
    word TEXT NOT NULL, doc INTEGER NOT NULL, field INTEGER NOT NULL, entry INTEGER NOT NULL,
    PRIMARY KEY (word, doc, field, entry)
) WITHOUT ROWID;
INSERT INTO words SELECT 'lighthouse', doc, 1, 0 FROM documents;
UPDATE sources SET words = 'lighthouse';
DELETE FROM migrations WHERE number = 6;
"""


@pytest.fixture(name="folder")
def make_folder(tmp_path: Path) -> Path:
    """Three assets, one of them deleted, in an index with the table `words`."""
    folder = tmp_path / "data"
    with wired({"data_dir": folder}) as environment:
        made = [environment.create(f"lighthouse {n}", notes="stormy night") for n in range(3)]
        environment.delete(environment.edit(made[0], "edited"))
        environment.index(*environment.events(5))
    with closing(sqlite3.connect(folder / "search.db")) as connection:
        connection.executescript(_TABLE_OF_WORDS)
    return folder


def test_after_a_migration_all_assets_are_found_again(folder: Path) -> None:
    env = {"AMP_DATA_DIR": folder}
    assert f"search: {_MIGRATION.replace('applied', 'apply')}" in amp_command("migrate", "--dry-run", env=env).stdout
    steps = amp_command("migrate", env=env).stdout
    assert _MIGRATION in steps
    assert "whose documents have to be indexed again" in steps
    assert amp_command("migrate", env=env).stdout == "nothing to do: everything exists\n"
    with running({"data_dir": folder, "bucket_check_s": 0.2}) as amp:
        wait_until(lambda: not amp.system.health.check().buckets, 120, "the bucket is complete")
        in_notes = EntryMatches("notes", FieldType.TEXT, (Words(("night", "stormy")),))
        for criteria in (TextMatches(("lighthouse", "night")), in_notes):
            assert amp.adapters.index.search(IndexQuery(criteria=criteria)).total == 2
            [name] = [info.index for info in amp.adapters.indices.info()]
            assert name == amp.buckets.maps.refresh().buckets[0].index
        assert not list(folder.glob("search.db.set-aside-*"))


def test_a_kill_after_the_index_was_emptied_loses_no_asset(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The migration is committed before the bucket is marked as incomplete."""
    with monkeypatch.context() as patch:
        patch.setattr("amp.services.system.migrate.SystemMigration._make_buckets", _killed)
        with pytest.raises(KeyboardInterrupt), built({"data_dir": folder}):
            pytest.fail("it was migrated")
    with built({"data_dir": folder}) as amp:
        [bucket] = amp.system.health.check().buckets
        assert "not all documents are indexed again" in bucket.detail


def _killed(_: object) -> list[str]:
    raise KeyboardInterrupt


class _WithoutFts5(sqlite3.Connection):
    def execute(self, sql: str, values: Sequence[object] = ()) -> sqlite3.Cursor:  # type: ignore[override]
        if "USING fts5" in sql:
            raise sqlite3.OperationalError("no such module: fts5")
        return super().execute(sql, values)


@pytest.mark.parametrize("options", [[], ["--dry-run"]])
def test_an_sqlite_without_fts5_is_reported(folder: Path, options: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    without_fts5 = partial(require_fts5, partial(sqlite3.connect, factory=_WithoutFts5))
    monkeypatch.setattr(search_component, "require_fts5", without_fts5)
    result = amp_command("migrate", *options, env={"AMP_DATA_DIR": folder})
    assert result.exit_code == 1
    assert f"SQLite {sqlite3.sqlite_version}, which Python uses, lacks FTS5" in result.output
    monkeypatch.undo()
    assert _MIGRATION in amp_command("migrate", env={"AMP_DATA_DIR": folder}).stdout, "nothing was changed"
