"""Connects a command to the service: to a server, or to the embedded profile's data folder if no server uses it."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import httpx

from amp.cli.client import TIMEOUT_S, AmpClient, connect
from amp.data_folder import FOLDER_HEADER, folder_identity
from amp.errors import DataDirLocked
from amp.settings import Settings, variable
from amp.stop_budget import StopBudget

#: Timeout of the request that finds out whether a server answers, in seconds.
_PROBE_TIMEOUT_S = 5.0
#: The longest time, in seconds, that a command waits until the messages of earlier processes are indexed.
_CATCH_UP_S = 30.0


@contextlib.contextmanager
def service(settings: Settings, *, create: bool = False) -> Iterator[AmpClient]:
    """Yield a client of the first of these that exists: the server at `AMP_URL`, the server of the data folder, the
    local server. If there is none, in the embedded profile, the service runs in this process, which locks the data
    folder meanwhile.

    :param create: create the data folder if it does not exist.
    :raises NoData: the data folder does not exist, and `create` is false.
    :raises DataDirLocked: another process has locked the data folder, and does not answer as a server.
    """
    client = server_client(settings)
    if client is not None:
        with contextlib.closing(client):
            yield client
    else:
        with in_process(settings, create=create) as client:
            yield client


def in_use(settings: Settings, error: DataDirLocked) -> DataDirLocked:
    """Return the error, extended by what to do and, if known, by the server that has locked the data folder."""
    client = _server_of_folder(settings)
    if client is None:
        return DataDirLocked(f"{error.message}; stop it first")
    with contextlib.closing(client):
        return DataDirLocked(f"{error.message}, a server at {client.where}; stop it first")


def server_client(settings: Settings) -> AmpClient | None:
    """Return a client of the server that commands use, or None if they may open the data folder themselves."""
    from amp.server.listener import address

    if settings.url:
        return connect(settings.url)
    if settings.profile == "embedded" and (client := _server_of_folder(settings)) is not None:
        return client
    # A data folder that is set explicitly takes precedence over a local server, which may serve another folder.
    if settings.profile == "embedded" and "data_dir" in settings.model_fields_set:
        return None
    url = address(settings, settings.port)
    return connect(url) if settings.profile == "cluster" or _serves(url) else None


@contextlib.contextmanager
def in_process(settings: Settings, *, create: bool = True) -> Iterator[AmpClient]:
    """Run the whole service in this process, in the embedded profile, and yield a client of its API.

    :param create: create the data folder if it does not exist.
    :raises NoData: the data folder does not exist, and `create` is false.
    :raises DataDirLocked: another process has locked the data folder.
    """
    from amp.api.app import create_app
    from amp.bootstrap import build
    from amp.worker import WORKERS_SHARE, WorkerThreads

    try:
        amp = build(settings, create=create)
    except DataDirLocked as e:
        raise DataDirLocked(
            f"{e.message}; it did not answer as a server within {_PROBE_TIMEOUT_S:g} s: try again, or set "
            f"{variable('url')}=http://… to its address"
        ) from e
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
    """Return a client of the server that serves the data folder, or None.

    The server must confirm the identity of the folder, because the URL that a killed server left in its file may now
    be that of another server.
    """
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
    """Return whether an AMP server answers at the URL and, if `folder` is given, serves that data folder."""
    headers = {} if folder is None else {FOLDER_HEADER: folder}
    try:
        response = httpx.get(f"{url}/healthz", headers=headers, timeout=_PROBE_TIMEOUT_S, trust_env=False)
        return bool(response.json() == {"status": "ok"}) and response.headers.get(FOLDER_HEADER) == folder
    except (httpx.HTTPError, httpx.InvalidURL, ValueError):
        return False


def _catch_up(amp: Any) -> None:
    from amp.ports.message_queue import Topic

    clock = amp.adapters.clock
    deadline_s = clock.monotonic_s() + _CATCH_UP_S
    while amp.adapters.queue.lag(Topic.REALTIME, "index") and clock.monotonic_s() < deadline_s:
        clock.sleep(0.02)


def _with_wsgi_path(app: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap `app` so that it receives the path as WSGI defines it: its bytes decoded as Latin-1. httpx passes text."""

    def call(environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        environ["PATH_INFO"] = environ["PATH_INFO"].encode().decode("latin-1")
        return app(environ, start_response)

    return call
