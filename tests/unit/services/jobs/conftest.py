"""Jobs on an embedded store, cut into small chunks."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from amp.adapters.embedded.database import Database
from amp.adapters.embedded.store_component import SqliteStoreComponent
from tests.support.jobs.environment import CHUNK, WINDOW, JobEnvironment


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[JobEnvironment]:
    monkeypatch.setattr("amp.services.jobs.extractor.CHUNK", CHUNK)
    monkeypatch.setattr("amp.services.jobs.extractor.WINDOW", WINDOW)
    with closing(Database(tmp_path)) as database:
        SqliteStoreComponent(database).migrate()
        yield JobEnvironment(database)
