"""Which of our errors stands for which of the driver's."""

import pytest
from cassandra import (
    ConsistencyLevel,
    InvalidRequest,
    OperationTimedOut,
    ReadTimeout,
    Unauthorized,
    Unavailable,
    WriteTimeout,
)
from cassandra.cluster import NoHostAvailable
from cassandra.connection import ConnectionShutdown
from cassandra.pool import NoConnectionsAvailable
from cassandra.protocol import SyntaxException

from amp.adapters.cassandra.errors import translated, was_never_executed
from amp.errors import AmpError, NotMigrated, Retryable, StoreUnavailable

QUORUM = ConsistencyLevel.LOCAL_QUORUM


@pytest.mark.parametrize(
    "error",
    [
        OperationTimedOut(errors={}, last_host=None),
        ReadTimeout("late", consistency=QUORUM),
        WriteTimeout("late", consistency=QUORUM, write_type=0),
        Unavailable("too few", consistency=QUORUM),
        NoHostAvailable("none", {}),
        NoHostAvailable("none", {"10.0.0.1": ConnectionShutdown("gone")}),
        ConnectionShutdown("gone"),
    ],
)
def test_no_answer_is_retryable(error: Exception) -> None:
    with pytest.raises(StoreUnavailable) as raised, translated():
        raise error
    assert raised.value.__cause__ is error


@pytest.mark.parametrize(
    "message", ["table amp.assets does not exist", "Keyspace amp does not exist", "Undefined column name x in table y"]
)
def test_what_does_not_exist_yet_says_how_to_make_it(message: str) -> None:
    with pytest.raises(NotMigrated, match="amp migrate"), translated():
        raise InvalidRequest(message)


@pytest.mark.parametrize("error", [InvalidRequest("no such thing"), Unauthorized("no"), SyntaxException(1, "", None)])
def test_a_request_that_is_wrong_is_not_retryable(error: Exception) -> None:
    with pytest.raises(AmpError) as raised, translated():
        raise error
    assert not isinstance(raised.value, Retryable)


def test_other_errors_are_left_alone() -> None:
    with pytest.raises(ZeroDivisionError), translated():
        raise ZeroDivisionError


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (NoHostAvailable("none", {}), True),
        (NoHostAvailable("none", {"a": NoConnectionsAvailable("all busy")}), True),
        (InvalidRequest("no"), True),
        (NoHostAvailable("none", {"a": ConnectionShutdown("gone"), "b": NoConnectionsAvailable("busy")}), False),
        (OperationTimedOut(errors={}, last_host=None), False),
        (WriteTimeout("late", consistency=QUORUM, write_type=0), False),
        # The condition may have been accepted before too few were left.
        (Unavailable("too few", consistency=QUORUM), False),
    ],
)
def test_only_what_surely_reached_nobody_counts_as_not_executed(error: Exception, expected: bool) -> None:
    assert was_never_executed(error) is expected
