"""What all tests share: the real servers for those that need them, and no network for those that must not."""

from __future__ import annotations

import gc
import os
import socket
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings
from xdist.scheduler import LoadFileScheduling

if TYPE_CHECKING:
    from xdist.remote import Producer

from tests.support.stack import SHARED_FOLDER, NotAllStarted, Stack
from tests.support.stack.own_namespace import OwnNamespace

# A run that found a fault must be repeatable from its log alone, and a slow machine is no fault.
settings.register_profile("ci", deadline=None, derandomize=False, print_blob=True)
settings.load_profile("ci")

_TESTS = Path(__file__).parent
_UNIT_TESTS = _TESTS / "unit"
_CHAOS_TESTS = _TESTS / "chaos"
#: Packages whose tests share servers or a service of their own, so that one process runs all of them.
_IN_ONE_PROCESS = ("tests/chaos/moves", "tests/chaos/servers", "tests/contract/cassandra/own_server")
#: Files of tests that take minutes. They start first, so that at the end no process works while others have none.
_LONGEST = (
    "chaos/servers/",
    "contract/cassandra/own_server/",
    "contract/kafka/test_faults",
    "functional/consistency/test_checks",
    "functional/importing/test_movies",
    "functional/jobs/test_jobs_at_size",
    "functional/api/test_schemathesis",
    "functional/moves/test_moves",
    "simulation/test_seeds",
)
#: Prefixes of the variables that configure the tests themselves.
_OF_TESTS = ("AMP_TEST_", "AMP_HOSTILE_", "AMP_FAULT_", "AMP_MOVES_", "AMP_JOBS_", "AMP_IMPORT_")
_HOW_TO_RUN = "needs the real servers: `make up` before, or `make test-all`"

#: The settings of the shell that started the tests.
_shell_settings = pytest.StashKey[dict[str, str]]()
#: The servers that cluster tests use; None if they do not run.
_stack = pytest.StashKey[Stack | None]()
#: The servers started for this run alone, to be stopped after it.
_started = pytest.StashKey[list[str]]()
#: The removals of namespaces that are no longer used.
_removals = pytest.StashKey[list[Future[None]]]()
_remover = ThreadPoolExecutor(1, "namespace-remover")
#: The keyspaces of the tests of this process.
_keyspaces = pytest.StashKey["Keyspaces"]()
#: Why the required servers could not be started.
_failure = pytest.StashKey[str]()


def pytest_configure(config: pytest.Config) -> None:
    # A shell that read `.stack/env` must not turn every test into one of the cluster profile.
    names = [name for name in os.environ if name.startswith("AMP_") and not name.startswith(_OF_TESTS)]
    config.stash[_shell_settings] = {name: os.environ.pop(name) for name in names}


def pytest_xdist_auto_num_workers() -> int:
    """For `-n auto`: more than there are cores, as many tests wait for something."""
    return 2 * (os.cpu_count() or 1)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadFileScheduling | None:
    return _BySharedServers(config, log) if config.getvalue("dist") == "loadfile" else None


class _BySharedServers(LoadFileScheduling):
    """Like `--dist loadfile`, but packages that share servers are not divided."""

    def _split_scope(self, nodeid: str) -> str:
        file = super()._split_scope(nodeid)
        return next((package for package in _IN_ONE_PROCESS if file.startswith(f"{package}/")), file)


def _start(item: pytest.Item) -> int:
    """Return 0 for the tests that come first."""
    folder = item.path.relative_to(_TESTS).as_posix()
    return 0 if folder.startswith(_LONGEST) else 1


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "stack" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.cluster)
        if item.get_closest_marker("cluster") and item.path.is_relative_to(_CHAOS_TESTS):
            item.add_marker(pytest.mark.chaos)
    items.sort(key=_start)


def pytest_sessionstart(session: pytest.Session) -> None:
    """Start the servers for all workers of a parallel run, if they are required: which tests it has is unknown here."""
    if _is_parallel(session.config):
        _start_servers(session.config)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Start the servers of a run in one process, if they are required, before any test's clock runs."""
    # What was imported stays to the end: an eighth of the time went into looking through it for garbage.
    gc.freeze()
    is_one_process = not (_is_parallel(session.config) or _is_parallel_worker(session.config))
    if is_one_process and any(item.get_closest_marker("cluster") for item in session.items):
        _start_servers(session.config)


def _is_parallel(config: pytest.Config) -> bool:
    """Return whether this process only distributes the tests."""
    return bool(config.getoption("numprocesses", None)) and not _is_parallel_worker(config)


def _is_parallel_worker(config: pytest.Config) -> bool:
    return hasattr(config, "workerinput")


def _start_servers(config: pytest.Config) -> None:
    """Start the servers that do not run, if they are required. `pytest_sessionfinish` stops those."""
    if config.option.collectonly or not _required():
        return
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    say = reporter.write_line if reporter is not None else print
    try:
        environ = config.stash[_shell_settings]
        config.stash[_started] = Stack(SHARED_FOLDER, environ=environ, brief=True, say=say).up()
    except NotAllStarted as error:
        config.stash[_failure] = str(error)
        config.stash[_started] = error.started


def pytest_sessionfinish(session: pytest.Session) -> None:
    for removal in session.config.stash.get(_removals, []):
        removal.result()
    if keyspaces := session.config.stash.get(_keyspaces, None):
        keyspaces.close()
    if started := session.config.stash.get(_started, []):
        Stack(SHARED_FOLDER).down(started)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    # Here and not in a fixture: skips from one line of a hook are reported together, as one line.
    if item.get_closest_marker("cluster"):
        _answering_stack(item.config)


def _required() -> bool:
    return os.environ.get("AMP_TEST_CLUSTER") == "required"


@pytest.fixture(scope="session")
def stack(pytestconfig: pytest.Config) -> Stack:
    """The shared servers, all of which answer. Tests that break servers make a `Stack` in a folder of their own."""
    return _answering_stack(pytestconfig)


def _answering_stack(config: pytest.Config) -> Stack:
    if reason := config.stash.get(_failure, None):
        pytest.fail(reason, pytrace=False)
    if _stack not in config.stash:
        servers = Stack(SHARED_FOLDER, environ=config.stash[_shell_settings])
        config.stash[_stack] = servers if servers.answers else None
    found = config.stash[_stack]
    if found is None and _required():
        pytest.fail("the required servers do not answer", pytrace=False)
    if found is None:
        pytest.skip(_HOW_TO_RUN)
    return found


@pytest.fixture(scope="session")
def cluster_settings(own_namespace: OwnNamespace) -> Iterator[dict[str, str]]:
    """`AMP_…` variables of the shared servers and a namespace of this test run."""
    with own_namespace() as variables:
        yield variables


@pytest.fixture
def fresh_cluster_settings(own_namespace: OwnNamespace) -> Iterator[dict[str, str]]:
    """`AMP_…` variables of the shared servers and an empty namespace of this test alone."""
    with own_namespace() as variables:
        yield variables


@pytest.fixture
def unmade_cluster_settings(stack: Stack, pytestconfig: pytest.Config) -> Iterator[dict[str, str]]:
    """`AMP_…` variables of the shared servers and a namespace of this test alone, whose keyspace does not exist."""
    with _own_namespace(stack, pytestconfig, is_unmade=True) as variables:
        yield variables


@pytest.fixture(scope="session")
def own_namespace(stack: Stack, pytestconfig: pytest.Config) -> OwnNamespace:
    return lambda: _own_namespace(stack, pytestconfig)


@contextmanager
def _own_namespace(stack: Stack, config: pytest.Config, *, is_unmade: bool = False) -> Iterator[dict[str, str]]:
    # Imports the drivers, which most runs need not.
    from tests.support.stack.keyspaces import Keyspaces
    from tests.support.stack.namespace import Namespace

    keyspaces = config.stash.setdefault(_keyspaces, Keyspaces(stack.cassandra))
    namespace = Namespace.unique(None if is_unmade else keyspaces.take())
    credentials = {
        name: value
        for name, value in config.stash[_shell_settings].items()
        if name.startswith(("AMP_CASSANDRA_", "AMP_KAFKA_", "AMP_ELASTICSEARCH_", "AMP_REDIS_"))
    }

    def remove() -> None:
        if is_unmade:
            keyspaces.remove([namespace.keyspace])
        namespace.remove_from(stack)

    try:
        yield {"AMP_PROFILE": "cluster", **credentials, **stack.addresses, **namespace.settings}
    finally:
        if not is_unmade:
            keyspaces.give_back(namespace.keyspace)
        # Takes seconds, for which the next test need not wait.
        config.stash.setdefault(_removals, []).append(_remover.submit(remove))


class _NoNetwork(socket.socket):
    """A socket that is refused unless it stays within the machine's kernel, as event loops' wake-up pairs do."""

    def __init__(self, family: int = -1, type: int = -1, proto: int = -1, fileno: int | None = None) -> None:
        if fileno is None and family != socket.AF_UNIX:
            raise RuntimeError("a unit test opened a network socket; what needs one belongs in another folder of tests")
        super().__init__(family, type, proto, fileno)


@pytest.fixture(autouse=True)
def _no_network_in_unit_tests(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.path.is_relative_to(_UNIT_TESTS):
        monkeypatch.setattr(socket, "socket", _NoNetwork)
