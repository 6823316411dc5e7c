"""Migrations of the schema: numbered CQL files that are applied once, in order, by one process at a time."""

import hashlib
import time
from dataclasses import dataclass
from pathlib import Path

from cassandra.cluster import Session  # type: ignore[import-untyped]  # the driver comes without types

from amp.adapters.cassandra.errors import translated
from amp.adapters.cassandra.schema_lock import SchemaLock
from amp.adapters.cassandra.session import CassandraSession
from amp.errors import AmpError, NotMigrated, StoreUnavailable
from amp.resources import resource_folder
from amp.settings import Settings

_HAS_TABLE = "SELECT table_name FROM system_schema.tables WHERE keyspace_name = ? AND table_name = 'schema_migrations'"
_APPLIED = "SELECT version, file, checksum FROM {ks}.schema_migrations WHERE part = 'store'"
_RECORD = "INSERT INTO {ks}.schema_migrations (part, version, file, checksum, applied_ms) VALUES ('store', ?, ?, ?, ?)"
#: Timeout of one statement, in seconds: a busy node may take long to create a table.
_STATEMENT_TIMEOUT_S = 60.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Migration:
    version: int
    file: str
    checksum: str
    statements: tuple[str, ...]


class Migrations:
    """Creates the keyspace and its tables. All statements are repeatable, so a crash within a file does no harm."""

    def __init__(self, session: CassandraSession, folder: Path | None = None) -> None:
        self._session = session
        self._folder = folder or resource_folder("migrations") / "cassandra"

    def pending(self) -> list[Migration]:
        """Return the migrations that are not applied yet, in order.

        :raises AmpError: a file was changed after it was applied.
        """
        applied = self._applied()
        migrations = read_migrations(self._folder, self._session.settings)
        for migration in migrations:
            if applied.get(migration.version, migration.checksum) != migration.checksum:
                raise AmpError(f"the migration {migration.file} was changed after it was applied; restore the file")
        return [migration for migration in migrations if migration.version not in applied]

    def apply(self) -> list[Migration]:
        """Apply the pending migrations and return them. Wait while another process is applying migrations."""
        pending = self.pending()
        if not pending:
            return []
        if pending[0].version == 1:
            # Creates the table of the lock itself. Two processes may do this at once.
            self._execute(pending[0])
        applied = []
        with SchemaLock(self._session) as lock:
            for migration in self.pending():
                lock.renew()
                self._execute(migration)
                lock.renew()
                values = (migration.version, migration.file, migration.checksum, time.time_ns() // 1_000_000)
                self._session.run(_RECORD, values)
                applied.append(migration)
        return applied

    def _applied(self) -> dict[int, str]:
        if not self._session.run(_HAS_TABLE, (self._session.keyspace,)):
            return {}
        try:
            return {version: checksum for version, _, checksum in self._session.run(_APPLIED)}
        except NotMigrated:
            # Another process is creating the table: it is listed a moment before it can be used.
            return {}

    def _execute(self, migration: Migration) -> None:
        with translated():
            session = self._session.connected()
            # All processes use the same node. If two nodes created a table at once, there would be two of that name.
            host = min(session.get_pools(), key=lambda pool: str(pool.host.endpoint)).host
            for statement in migration.statements:
                _change_schema(session, statement, host)


def _change_schema(session: Session, statement: str, host: object) -> None:
    result = session.execute(statement, timeout=_STATEMENT_TIMEOUT_S, host=host)
    # The driver has waited for agreement.
    if not result.response_future.is_schema_agreed:
        raise StoreUnavailable("the nodes of Cassandra do not agree on the schema; migrate again when they do")


def read_migrations(folder: Path, settings: Settings) -> list[Migration]:
    """Return the migrations in the files `NNNN_name.cql` of the folder, in order, with keyspace and replication filled
    in.
    """
    migrations = []
    for path in sorted(folder.glob("*.cql")):
        text = path.read_text(encoding="utf-8")
        code = "\n".join(line.partition("--")[0] for line in text.splitlines())
        filled = code.format(keyspace=settings.cassandra_keyspace, replication=_replication(settings))
        migrations.append(
            Migration(
                version=int(path.name.partition("_")[0]),
                file=path.name,
                checksum=hashlib.sha256(text.encode()).hexdigest(),
                statements=tuple(statement.strip() for statement in filled.split(";") if statement.strip()),
            )
        )
    return migrations


def _replication(settings: Settings) -> str:
    if not settings.cassandra_replication:
        return "{'class': 'SimpleStrategy', 'replication_factor': 1}"
    replicas = "".join(f", '{name}': {count}" for name, count in settings.cassandra_replication.items())
    return f"{{'class': 'NetworkTopologyStrategy'{replicas}}}"
