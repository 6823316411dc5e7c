"""Cassandra as operations see it: whether it answers, and the migrations of its schema."""

import contextlib
import time

from amp.adapters.cassandra.errors import translated
from amp.adapters.cassandra.migrations import Migrations
from amp.adapters.cassandra.session import CassandraSession
from amp.errors import NotMigrated

_PING_TIMEOUT_S = 2.0
#: The ping writes, since reads may succeed when too few replicas are available for a write.
_PROBE = "INSERT INTO {ks}.health_probes (name, probed_ms) VALUES ('readiness', ?)"


class CassandraComponent:
    """Implements `Component`. Closing it closes the session."""

    name = "store"

    def __init__(self, session: CassandraSession) -> None:
        self.session = session
        self._migrations = Migrations(session)

    def ping(self) -> str:
        deadline = time.monotonic() + _PING_TIMEOUT_S
        with translated():
            driver = self.session.connected(_PING_TIMEOUT_S)
            left_s = max(0.1, deadline - time.monotonic())
            version = driver.execute("SELECT release_version FROM system.local", timeout=left_s).one()[0]
        # Before the first migration, the table of the probe does not exist.
        with contextlib.suppress(NotMigrated):
            left_s = max(0.1, deadline - time.monotonic())
            self.session.run(_PROBE, (time.time_ns() // 1_000_000,), timeout_s=left_s)
        return f"Cassandra {version} at {self.session.address}"

    def pending(self) -> list[str]:
        return [self._line("apply", migration.file) for migration in self._migrations.pending()]

    def migrate(self) -> list[str]:
        return [self._line("applied", migration.file) for migration in self._migrations.apply()]

    def close(self) -> None:
        self.session.close()

    def _line(self, verb: str, file: str) -> str:
        return f"Cassandra keyspace {self.session.keyspace}: {verb} {file}"
