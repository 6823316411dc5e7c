"""The service of random operations, in this process: on ports that fail, stopped or killed, and started again."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from amp.adapters.cassandra.session import CassandraSession
from amp.api.app import create_app
from amp.bootstrap import Amp, wire
from amp.errors import Retryable
from amp.metrics import Metrics
from amp.profiles import Adapters, cluster, embedded
from amp.settings import Settings
from amp.worker import WorkerThreads
from tests.chaos.random_operations.faulty_ports import PortFaults, SteppingClock, faulty
from tests.chaos.random_operations.mortal_ports import Life, MortalThreads, mortal
from tests.chaos.random_operations.stored_rows import StoredRows, cluster_rows, embedded_documents, embedded_rows
from tests.support.consistency.compare import RawDocument, raw_documents
from tests.support.service.rest import Rest

T = TypeVar("T")
_STARTED_S = 60.0
_STOPPED_S = 30.0
_KILLED_S = 2.0


class RandomService:
    def __init__(self, settings: Settings, clock: SteppingClock, port_faults: PortFaults) -> None:
        self.settings = settings
        self.embedded = settings.profile == "embedded"
        self._clock = clock
        self._port_faults = port_faults
        self._session = None if self.embedded else CassandraSession(settings)
        self._calls = 0
        self._free = threading.Condition()
        self._stopped = True
        self.amp: Amp
        self.adapters: Adapters  #: sound ones
        self._rest: Rest
        self._workers: WorkerThreads
        self._life: Life
        #: Errors that ended a background thread for a while.
        self.failures: list[str] = []

    def call(self, send: Callable[[Rest], T]) -> T:
        """Waits while the service is being started.

        :raises Killed: there is no answer, as the service died meanwhile.
        """
        with self._free:
            assert self._free.wait_for(lambda: not self._stopped, 2 * _STARTED_S), "the service does not start"
            self._calls += 1
        try:
            return send(self._rest)
        finally:
            with self._free:
                self._calls -= 1
                self._free.notify_all()

    def start(self) -> None:
        metrics, self._life = Metrics(), Life()
        background = MortalThreads(clock=self._clock, metrics=metrics, life=self._life)
        self.adapters = embedded(self.settings) if self.embedded else cluster(self.settings, background)
        ports = mortal(faulty(self.adapters, self._clock, self._port_faults), self._life)
        self.amp = wire(self.settings, ports, metrics, background)
        self._migrate()
        self._rest = Rest(create_app(self.amp))
        self._workers = WorkerThreads(self.amp.background, self.amp.workers)
        self._workers.start()
        with self._free:
            self._stopped = False
            self._free.notify_all()

    def _migrate(self) -> None:
        """Servers that have much to do may not answer at once."""
        deadline_s = time.monotonic() + _STARTED_S
        while True:
            try:
                self.amp.system.migration.run()
                return
            except Retryable:
                if time.monotonic() > deadline_s:
                    raise
                time.sleep(0.5)

    def stop(self) -> None:
        with self._free:
            self._stopped = True
            self._free.wait_for(lambda: self._calls == 0)
        self.note_failures()
        self._workers.stop(_STOPPED_S)
        self.amp.close()

    def kill(self, steps: int, fatal: str = "") -> None:
        """Let the process die at one of its next steps, or before a call of that name, in the middle of whatever it
        does, and start another on what it leaves behind."""
        self._life.end(steps, fatal, _KILLED_S)
        with self._free:
            self._stopped = True
        # A thread that waits for the index would hold its call for long.
        self._port_faults.end()
        self._workers.stop(_STOPPED_S)
        with self._free:
            self._free.wait_for(lambda: self._calls == 0)
        self.note_failures()
        self._life.wait_until_quiet(_STOPPED_S)
        self.amp.outbox.publisher.close(0)
        self.adapters.close()
        self.start()

    @contextmanager
    def restarted(self) -> Iterator[None]:
        """What is done inside is done while nobody serves."""
        self._port_faults.end()
        self.stop()
        try:
            yield
        finally:
            self.start()

    def note_failures(self) -> None:
        states = self.amp.background.states()
        self.failures += [f"{state.name}: {state.failures} times, {state.reason}" for state in states if state.failures]

    def rows(self) -> StoredRows:
        return embedded_rows(self.settings.data_dir) if self._session is None else cluster_rows(self._session)

    def documents(self) -> Iterator[RawDocument]:
        if self.embedded:
            return embedded_documents(self.settings.data_dir)
        return raw_documents(self.settings.elasticsearch_url, self.settings.elasticsearch_index_prefix)

    def close(self) -> None:
        self.stop()
        if self._session is not None:
            self._session.close()
