"""Finds the service for a command: a server, or the embedded set's data folder when no server holds it."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import httpx

from amp.cli.client import TIMEOUT_S, AmpClient, connect
from amp.data_folder import FOLDER_HEADER, folder_identity
from amp.errors import DataDirLocked
from amp.settings import Settings, variable
from amp.stop_budget import StopBudget

_PROBE_TIMEOUT_S = 2.0
#: How long a command waits for the index to take in what an earlier process left in the queue.
_CATCH_UP_S = 30.0


@contextlib.contextmanager
def service(settings: Settings, *, create: bool = False) -> Iterator[AmpClient]:
    """A client of the server at `AMP_URL`; else of the one that serves the data folder, else of the local one; else,
    on the embedded set, of the data folder itself, held meanwhile.

    :param create: make the data folder if it is not there.
    :raises NoData: it is not there, and `create` is false.
    :raises Busy: another process holds the data folder, and it is no server that answers.
    """
    client = server_client(settings)
    if client is not None:
        with contextlib.closing(client):
            yield client
    else:
        with in_process(settings, create=create) as client:
            yield client


def in_use(settings: Settings, error: DataDirLocked) -> DataDirLocked:
    """Says as well who holds the data folder, as far as that is known, and what to do."""
    client = _server_of_folder(settings)
    if client is None:
        return DataDirLocked(f"{error.message}; stop it first")
    with contextlib.closing(client):
        return DataDirLocked(f"{error.message}, a server at {client.where}; stop it first")


def server_client(settings: Settings) -> AmpClient | None:
    """A client of the server that commands talk to; None if there is none, and the data folder may be opened."""
    from amp.server.listener import address

    if settings.url:
        return connect(settings.url)
    if settings.profile == "embedded" and (client := _server_of_folder(settings)) is not None:
        return client
    # A folder that was named is meant, whatever else may be served on this machine.
    if settings.profile == "embedded" and "data_dir" in settings.model_fields_set:
        return None
    url = address(settings, settings.port)
    return connect(url) if settings.profile == "cluster" or _serves(url) else None


@contextlib.contextmanager
def in_process(settings: Settings, *, create: bool = True) -> Iterator[AmpClient]:
    """The whole service inside this process, on the embedded set, with the same API over the same code.

    :param create: make the data folder if it is not there.
    :raises NoData: it is not there, and `create` is false.
    :raises Busy: another process holds the data folder.
    """
    from amp.api.app import create_app
    from amp.bootstrap import build
    from amp.worker import WORKERS_SHARE, WorkerThreads

    try:
        amp = build(settings, create=create)
    except DataDirLocked as e:
        raise DataDirLocked(f"{e.message}; if it is a server, name it: {variable('url')}=http://…") from e
    workers = WorkerThreads(amp.background, amp.workers)
    try:
        amp.system.migration.run()
        workers.start()
        _catch_up(amp)
        transport = httpx.WSGITransport(app=_with_wsgi_path(create_app(amp)))
        with httpx.Client(transport=transport, base_url="http://localhost", timeout=TIMEOUT_S) as http:
            yield AmpClient(http, f"the data folder {settings.data_dir}", local=True)
    finally:
        budget = StopBudget(settings.graceful_stop_s)
        workers.stop(budget.left_s(WORKERS_SHARE))
        amp.close(budget)


def _server_of_folder(settings: Settings) -> AmpClient | None:
    """A client of the server that says that it serves the data folder; what a killed one left may name another."""
    from amp.server.listener import URL_FILE

    folder = folder_identity(settings.data_dir)
    if folder is None:
        return None
    with contextlib.suppress(OSError, UnicodeDecodeError):
        url = (settings.data_dir / URL_FILE).read_text().strip()
        if _serves(url, folder):
            return connect(url, folder)
    return None


def _serves(url: str, folder: str | None = None) -> bool:
    """Whether a server answers there; one of that data folder, if it is given."""
    headers = {} if folder is None else {FOLDER_HEADER: folder}
    try:
        found = httpx.get(f"{url}/healthz", headers=headers, timeout=_PROBE_TIMEOUT_S, trust_env=False)
        return bool(found.json() == {"status": "ok"}) and found.headers.get(FOLDER_HEADER) == folder
    except (httpx.HTTPError, httpx.InvalidURL, ValueError):
        return False


def _catch_up(amp: Any) -> None:
    from amp.ports.message_queue import Topic

    clock = amp.adapters.clock
    deadline_s = clock.monotonic_s() + _CATCH_UP_S
    while amp.adapters.queue.lag(Topic.REALTIME, "index") and clock.monotonic_s() < deadline_s:
        clock.sleep(0.02)


def _with_wsgi_path(app: Callable[..., Any]) -> Callable[..., Any]:
    """WSGI wants the bytes of the path as latin-1; httpx gives its text."""

    def call(environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        environ["PATH_INFO"] = environ["PATH_INFO"].encode().decode("latin-1")
        return app(environ, start_response)

    return call
