"""A session to Cassandra that loses answers to conditional requests, as the test wants."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from cassandra import OperationTimedOut

from amp.adapters.cassandra.component import CassandraComponent
from amp.adapters.cassandra.session import CassandraSession, Mode, Request, RowsOrError
from amp.errors import StoreUnavailable
from amp.settings import load_settings

Fate = Callable[[Callable[[], RowsOrError]], RowsOrError]


def timed_out() -> OperationTimedOut:
    return OperationTimedOut(errors={}, last_host=None)


def answered(send: Callable[[], RowsOrError]) -> RowsOrError:
    return send()


def lost_after(send: Callable[[], RowsOrError]) -> RowsOrError:
    """The request is executed, its answer never comes."""
    send()
    return timed_out()


def lost_before(_send: Callable[[], RowsOrError]) -> RowsOrError:
    """The request never arrives."""
    return timed_out()


def executed_twice(send: Callable[[], RowsOrError]) -> RowsOrError:
    """The server loses sight of its own write and answers for its second try."""
    send()
    return send()


class LossySession(CassandraSession):
    """A session that does to its coming conditional requests, one by one, what the test wants, then works again."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.fates: list[Fate] = []
        self.before_serial_reads: Callable[[], None] = lambda: None
        self.after_serial_reads: Callable[[], None] = lambda: None
        self.reads_fail = False

    def run_many(self, requests: Sequence[Request], mode: Mode = Mode.PLAIN, window: int = 100) -> list[RowsOrError]:
        if mode is Mode.SERIAL:
            self.before_serial_reads()
        if mode is not Mode.CONDITIONAL:
            found = [timed_out() for _ in requests] if self.reads_fail else super().run_many(requests, mode, window)
            if mode is Mode.SERIAL:
                self.after_serial_reads()
            return found
        answers = []
        for request in requests:
            fate = self.fates.pop(0) if self.fates else answered
            answers.append(fate(lambda request=request: super(LossySession, self).run_many([request], mode)[0]))
        return answers

    def run(
        self, cql: str, values: tuple[Any, ...] = (), mode: Mode = Mode.PLAIN, timeout_s: float | None = None
    ) -> Any:
        if mode is not Mode.CONDITIONAL:
            return super().run(cql, values, mode, timeout_s)
        answer = self.run_many([(cql, values)], mode)[0]
        if isinstance(answer, BaseException):
            raise StoreUnavailable from answer
        return answer


@contextmanager
def lossy_session(variables: dict[str, str]) -> Iterator[LossySession]:
    """On a keyspace that has its tables."""
    session = LossySession(load_settings({name.removeprefix("AMP_").lower(): v for name, v in variables.items()}))
    part = CassandraComponent(session)
    part.migrate()
    yield session
    part.close()
