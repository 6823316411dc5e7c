"""No statement scans a table: each names the whole partition key of what it reads, changes or removes."""

import ast
import importlib
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from amp.adapters import cassandra
from amp.resources import resource_folder

_VERB = re.compile(r"\s*(SELECT|INSERT|UPDATE|DELETE|BEGIN)\b")
#: Claims are walked by token, a page at a time: see there.
_WALKED = {"{ks}.claims": "token(scope, key) > ? AND token(scope, key) <= ?"}
#: Cassandra's own; the first has one row.
_OF_CASSANDRA = {"system.local": (), "system_schema.tables": ("keyspace_name",)}


def _modules() -> Iterator[tuple[str, Path]]:
    for found in pkgutil.iter_modules(cassandra.__path__, f"{cassandra.__name__}."):
        yield found.name, Path(cassandra.__path__[0], f"{found.name.rpartition('.')[2]}.py")


def _named(name: str) -> Iterator[str]:
    """The CQL among a module's constants, its marks filled in every way the module does."""
    for value in vars(importlib.import_module(name)).values():
        if isinstance(value, str) and _VERB.match(value):
            if value.count("%s") == 1:
                yield from (value % keys for keys in ("= ?", "IN ?"))
            else:
                yield value


def _within_functions(path: Path) -> Iterator[ast.Constant | ast.JoinedStr]:
    """The texts that begin like CQL and are no module's constant."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for function in (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)):
        for node in ast.walk(function):
            first = node.values[0] if isinstance(node, ast.JoinedStr) else node
            if isinstance(first, ast.Constant) and isinstance(first.value, str) and _VERB.match(first.value):
                yield node if isinstance(node, ast.JoinedStr) else first


def statements() -> list[str]:
    """Every one that the adapters may send, those in batches each by itself."""
    found: set[str] = set()
    for name, path in _modules():
        found |= set(_named(name))
        found |= {node.value for node in _within_functions(path) if isinstance(node, ast.Constant)}  # type: ignore[misc]
    single = {" ".join(part.split()) for text in found for part in text.split(";")}
    batch = re.compile(r"BEGIN (UNLOGGED )?BATCH|APPLY BATCH")
    return sorted(part for text in single if (part := batch.sub("", text).strip()))


def partition_keys() -> dict[str, tuple[str, ...]]:
    """By table, from the migrations."""
    keys: dict[str, tuple[str, ...]] = dict(_OF_CASSANDRA)
    for path in sorted((resource_folder("migrations") / "cassandra").glob("*.cql")):
        code = "\n".join(line.partition("--")[0] for line in path.read_text(encoding="utf-8").splitlines())
        for table, columns in re.findall(r"CREATE TABLE IF NOT EXISTS \{keyspace\}\.(\w+) \((.*?)\n\)", code, re.S):
            whole = re.search(r"PRIMARY KEY \(\(([^)]*)\)", columns)
            alone = re.search(r"^\s*(\w+) \w+ PRIMARY KEY", columns, re.M)
            assert whole or alone, table
            names = whole[1] if whole else alone[1] if alone else ""
            keys[f"{{ks}}.{table}"] = tuple(name.strip() for name in names.split(","))
    return keys


def fault_of(statement: str, keys: dict[str, tuple[str, ...]]) -> str | None:
    """What makes the statement look further than into the partitions it names."""
    table = re.match(r"(?:SELECT .*? FROM|INSERT INTO|UPDATE|DELETE (?:.*? )?FROM) (\S+)", statement)
    if table is None or table[1] not in keys:
        return "it is of no table that is known"
    if re.search(r"\bALLOW\s+FILTERING\b", statement, re.I):
        return "it filters"
    if statement.startswith("INSERT"):
        return None
    where = re.search(r" WHERE (.*?)(?: IF | LIMIT | PER PARTITION | ORDER BY | GROUP BY |$)", statement)
    if where and where[1] == _WALKED.get(table[1]) and statement.endswith(" LIMIT ?"):
        return None
    conditions = where[1].split(" AND ") if where else []
    for name in keys[table[1]]:
        if not any(re.match(rf"{name} (= \S|IN )", condition) for condition in conditions):
            return f"it does not say which {name}"
    return None


STATEMENTS, KEYS = statements(), partition_keys()


@pytest.mark.parametrize("statement", STATEMENTS, ids=[re.sub(r"\W+", "-", text)[:100] for text in STATEMENTS])
def test_a_statement_looks_into_the_partitions_it_names_alone(statement: str) -> None:
    assert fault_of(statement, KEYS) is None


def test_every_table_of_the_migrations_is_known_and_in_use() -> None:
    used = {table for table in KEYS for statement in STATEMENTS if re.search(rf"{re.escape(table)}\b", statement)}
    assert used == set(KEYS)
    assert len(KEYS) >= 20
    assert KEYS["{ks}.listed_assets"] == ("list", "slot", "shard")
    assert KEYS["{ks}.dead_letters"] == ("id",)


@pytest.mark.parametrize("path", [path for _, path in _modules()], ids=lambda path: path.stem)
def test_no_statement_is_built_but_batches_of_those_that_are_known(path: Path) -> None:
    built = [node for node in _within_functions(path) if isinstance(node, ast.JoinedStr)]
    for node in built:
        literal = "".join(part.value for part in node.values if isinstance(part, ast.Constant))  # type: ignore[misc]
        assert re.fullmatch(r"BEGIN (UNLOGGED )?BATCH\W*APPLY BATCH", literal), f"line {node.lineno}: {literal}"


@pytest.mark.parametrize(
    ("statement", "fault"),
    [
        ("SELECT id FROM {ks}.assets", "which id"),
        ("SELECT id FROM {ks}.assets LIMIT 1", "which id"),
        ("SELECT id FROM {ks}.assets WHERE state = ?", "which id"),
        ("SELECT id FROM {ks}.assets WHERE id > ?", "which id"),
        ("SELECT id FROM {ks}.assets WHERE token(id) > ?", "which id"),
        ("SELECT id FROM {ks}.assets WHERE id = ? AND state = ? ALLOW FILTERING", "filters"),
        ("SELECT id FROM {ks}.claims WHERE token(scope, key) > ?", "which scope"),
        ("SELECT id FROM {ks}.listed_assets WHERE list = ? AND slot = ?", "which shard"),
        ("DELETE FROM {ks}.listed_assets WHERE list = ? AND id = ?", "which slot"),
        ("DELETE ids FROM {ks}.job_chunks WHERE job_id = ?", "which number"),
        ("UPDATE {ks}.jobs SET state = ? WHERE kind = ? IF id = ?", "which id"),
        ("SELECT id FROM {ks}.nowhere WHERE id = ?", "no table"),
        ("TRUNCATE {ks}.assets", "no table"),
    ],
)
def test_a_statement_that_looks_further_would_be_found(statement: str, fault: str) -> None:
    assert fault in (fault_of(statement, KEYS) or "")
