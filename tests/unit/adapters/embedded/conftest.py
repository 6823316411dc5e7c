"""A database file with one table."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from amp.adapters.embedded.database import Database


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with closing(Database(tmp_path / "data")) as opened:
        with opened.writing() as connection:
            connection.execute("CREATE TABLE numbers (n INTEGER)")
        yield opened
