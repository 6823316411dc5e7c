"""Servers and a service of the fault tests' own, which they break and which is whole again for the next."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from amp.adapters.cassandra.session import CassandraSession
from amp.bootstrap import Amp, build
from amp.errors import Retryable
from amp.settings import Settings, load_settings
from tests.support.consistency.compare import index_equals_store, misled_names, raw_documents
from tests.support.consistency.stored_assets import Stored, broken_histories, lost_writes, stored_assets
from tests.support.fault_campaign import tell
from tests.support.service.api_client import ApiClient, NotAnswered
from tests.support.service.load import Ledger, Load
from tests.support.service.processes import Service
from tests.support.stack import Stack
from tests.support.stack.waiting import wait_until

SERVER_SETTINGS: dict[str, dict[str, object]] = {
    # By default a killed node forgets the writes of its last 0.1 s; with copies on other nodes that is no loss.
    "cassandra": {"commitlog_sync": "batch", "commitlog_sync_period": "0ms"},
    # A killed broker is taken back once its old session is over.
    "kafka": {"broker.session.timeout.ms": 3000},
}


@dataclass
class Environment:
    """Everything of it is reached past the service too, so that nobody has to believe the service."""

    stack: Stack
    service: Service
    settings: Settings
    amp: Amp
    session: CassandraSession
    api_client: ApiClient
    #: Of every load so far: what was acknowledged once must be there for good.
    ledgers: list[Ledger] = field(default_factory=list)

    def heal(self) -> None:
        """Every server and every process runs."""
        for server in self.stack.servers.values():
            (server.resume if server.running else server.start)()
        for server in self.stack.servers.values():
            server.wait_ready()
        self.service.start()
        self.wait_ready()

    def wait_ready(self) -> None:
        """The API sees every part."""
        wait_until(lambda: self.degraded() == [], 120, "the API to see every part")

    def degraded(self) -> list[str] | None:
        """The parts the API does not see; None: it says that it is not ready."""
        answer = self.api_client.send("GET", "/readyz")
        if answer is None or answer.status_code != 200:
            return None
        found: list[str] = answer.json()["degraded"]
        return found

    def load(self, purpose: str, **more: float) -> Load:
        load = Load(self.service.url, purpose, **more)  # type: ignore[arg-type]  # clients and writes_per_s
        self.ledgers.append(load.ledger)
        return load

    def assert_nothing_lost(self, what: str, within_s: float = 120) -> None:
        """Every write ever acknowledged is in the store, and before long the index equals the store."""
        surprises = [surprise for ledger in self.ledgers for surprise in ledger.surprises]
        assert not surprises, "\n".join(surprises)
        acknowledged = [write for ledger in self.ledgers for write in ledger.acknowledged]
        began = time.monotonic()
        stored = self._settled(within_s)
        took_s = time.monotonic() - began
        lost = lost_writes(stored, acknowledged)
        assert not lost, "\n".join(lost)
        broken = broken_histories(self.session, stored, acknowledged)
        assert not broken, "\n".join(broken)
        misled = misled_names(stored, self.api_client.resolve)
        assert not misled, "\n".join(misled)
        unexpected = self.service.unexpected_errors()
        assert not unexpected, "\n".join(unexpected)
        unknown = sum(ledger.unknown for ledger in self.ledgers)
        tell(
            f"{what}: {len(acknowledged)} acknowledged writes checked so far, {unknown} of unknown outcome, "
            f"{len(stored)} assets; index equal after {took_s:.1f} s"
        )

    def _settled(self, within_s: float) -> list[Stored]:
        deadline = time.monotonic() + within_s
        while True:
            differences: object
            try:
                stored = list(stored_assets(self.amp))
                documents = raw_documents(self.settings.elasticsearch_url, self.settings.elasticsearch_index_prefix)
                differences = index_equals_store(stored, self.api_client.search_all(), documents)
                if not differences:
                    return stored
            except (NotAnswered, Retryable) as e:
                differences = e
            assert time.monotonic() < deadline, f"after {within_s:g} s the index is not the store's:\n{differences}"
            time.sleep(0.5)


@contextmanager
def open_environment(folder: Path) -> Iterator[Environment]:
    with Stack(folder / "servers", settings=SERVER_SETTINGS) as stack:
        env = {"AMP_PROFILE": "cluster", **stack.addresses}
        service = Service(folder / "service", env)
        by_field = {name.removeprefix("AMP_").lower(): value for name, value in env.items()}
        settings = load_settings(by_field)
        amp, session = build(settings), CassandraSession(settings)
        api_client = ApiClient(service.url)
        try:
            service.migrate()
            service.start()
            api_client.register_type()
            yield Environment(stack, service, settings, amp, session, api_client)
        finally:
            api_client.close()
            service.stop()
            amp.close()
            session.close()
