"""How migration files are read."""

import re
from pathlib import Path

import pytest

from amp.adapters.cassandra.migrations import read_migrations
from amp.resources import resource_folder
from amp.settings import load_settings


def write(folder: Path, name: str, text: str) -> None:
    (folder / name).write_text(text, encoding="utf-8")


def test_files_come_in_order_with_keyspace_and_replication_filled_in(tmp_path: Path) -> None:
    write(tmp_path, "0002_more.cql", "CREATE TABLE {keyspace}.b (id int PRIMARY KEY);\n\n-- over;\n")
    write(tmp_path, "0001_first.cql", "-- made; first\nCREATE KEYSPACE {keyspace}\n  WITH replication = {replication};")
    write(tmp_path, "README.txt", "no migration")

    first, second = read_migrations(tmp_path, load_settings({"cassandra_keyspace": "assets_1"}))

    assert (first.version, second.version) == (1, 2)
    (statement,) = first.statements
    replication = "{'class': 'SimpleStrategy', 'replication_factor': 1}"
    assert statement == f"CREATE KEYSPACE assets_1\n  WITH replication = {replication}"
    assert second.statements == ("CREATE TABLE assets_1.b (id int PRIMARY KEY)",)


REPLICATED = {"cassandra_replication": "dc1:3,dc2:2", "cassandra_writing_datacenter": "dc1"}


def test_replicas_by_data_centre_are_filled_in(tmp_path: Path) -> None:
    write(tmp_path, "0001_first.cql", "X {replication}")
    (migration,) = read_migrations(tmp_path, load_settings(REPLICATED))
    assert migration.statements == ("X {'class': 'NetworkTopologyStrategy', 'dc1': 3, 'dc2': 2}",)


def test_a_checksum_depends_on_the_file_and_not_on_the_settings(tmp_path: Path) -> None:
    write(tmp_path, "0001_first.cql", "X {keyspace}")
    one, two = (read_migrations(tmp_path, load_settings({"cassandra_keyspace": name}))[0] for name in ("one", "two"))
    assert one.checksum == two.checksum
    assert one.statements != two.statements
    write(tmp_path, "0001_first.cql", "X {keyspace} ")
    assert read_migrations(tmp_path, load_settings())[0].checksum != one.checksum


def test_our_migrations_are_numbered_without_gaps_and_can_be_repeated() -> None:
    migrations = read_migrations(resource_folder("migrations") / "cassandra", load_settings())
    assert [migration.version for migration in migrations] == list(range(1, len(migrations) + 1))
    statements = [statement for migration in migrations for statement in migration.statements]
    not_repeatable = [
        s for s in statements if "IF NOT EXISTS" not in s and not re.fullmatch(r"ALTER TABLE \S+ WITH .*", s)
    ]
    assert not_repeatable == []
    assert len(statements) > 10


def test_a_brace_that_stands_for_nothing_is_noticed(tmp_path: Path) -> None:
    write(tmp_path, "0001_first.cql", "X {keyspce}")
    with pytest.raises(KeyError):
        read_migrations(tmp_path, load_settings())
