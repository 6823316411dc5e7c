"""The CLI's HTTP client of the service, with timeouts, and with retries where repeating a request is safe."""

import json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

import httpx

from amp.addresses import masked
from amp.data_folder import FOLDER_HEADER
from amp.errors import AmpError
from amp.printable import printable
from amp.services.runtime.retry import Backoff, retry_briefly

#: Timeout of one request, in seconds. No request takes the server longer.
TIMEOUT_S = 60.0
_CONNECT_TIMEOUT_S = 5.0
_ATTEMPTS = 5
_PAUSES = Backoff(first_s=0.3, max_s=2.0)


class ServiceError(AmpError):
    """The service responded with an error."""

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        self.status = status
        self.problem = problem
        detail, *field_errors = problem_details(problem)
        super().__init__("\n  ".join([f"{detail} ({status})", *field_errors]))


class Unreachable(AmpError):
    """The server does not answer."""


class Unsendable(AmpError):
    """The request cannot be sent."""


class AmpClient:
    """A client of the JSON API of one server. It is thread-safe."""

    def __init__(self, http: httpx.Client, where: str, *, local: bool = False) -> None:
        self._http = http
        self.where = where  #: The server, as messages name it.
        self.local = local  #: Whether the service runs in this process and stops with it.

    def get(self, path: str, **params: Any) -> Any:
        return self.call("GET", path, params=params, repeatable=True)

    def call(
        self,
        method: str,
        path: str,
        *,
        body: Any = None,
        ndjson: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, Any] | None = None,
        repeatable: bool = False,
    ) -> Any:
        """Send a request and return the JSON of its response, or None if the response is empty.

        :param repeatable: sending the request more than once does no harm, so that it may be retried.
        :raises Unsendable: the request contains a value that JSON or a URL cannot represent.
        :raises ServiceError: the server responded with an error.
        :raises Unreachable: the server does not answer.
        """
        request: dict[str, Any] = {"params": {k: sendable(v) for k, v in (params or {}).items() if v is not None}}
        request["headers"] = dict(headers or {})
        if ndjson is not None:
            request["content"] = ndjson
            request["headers"]["Content-Type"] = "application/x-ndjson"
        elif body is not None:
            request["content"] = _json(body)
            request["headers"]["Content-Type"] = "application/json"
        return retry_briefly(
            lambda: self._once(method, path, request),
            _is_transient,
            limit=_ATTEMPTS if repeatable else 1,
            within_s=TIMEOUT_S,
            backoff=_PAUSES,
        )

    def pages(self, path: str, **params: Any) -> Iterator[Any]:
        """Yield the items of a paginated list, fetching one page at a time."""
        cursor = None
        while True:
            page = self.get(path, cursor=cursor, **params)
            yield from page["items"]
            cursor = page["next_cursor"]
            if cursor is None:
                return

    def close(self) -> None:
        self._http.close()

    def _once(self, method: str, path: str, request: Mapping[str, Any]) -> Any:
        try:
            response = self._http.request(method, path, **request)
        except httpx.TimeoutException as e:
            raise Unreachable(f"{self.where} does not answer in time") from e
        except httpx.RequestError as e:
            raise Unreachable(f"no AMP server answers at {self.where}: {e}") from e
        except httpx.InvalidURL as e:
            # The message of the exception quotes the URL, which may contain a password.
            raise Unreachable(f"{self.where} is not a valid server address") from e
        if response.is_success:
            return _parsed(response)
        try:
            problem = response.json()
        except ValueError:
            problem = None
        if not isinstance(problem, dict):
            problem = {"title": response.reason_phrase, "detail": response.text[:200]}
        raise ServiceError(response.status_code, problem)


def connect(url: str, folder: str | None = None) -> AmpClient:
    """Return a client of the server at `url`.

    :param folder: the identity of the data folder that the server must serve. Any other server refuses every request.
    """
    headers = {} if folder is None else {FOLDER_HEADER: folder}
    timeout = httpx.Timeout(TIMEOUT_S, connect=_CONNECT_TIMEOUT_S)
    # The proxies that the environment names are for the internet. The server is addressed directly.
    return AmpClient(httpx.Client(base_url=url, headers=headers, timeout=timeout, trust_env=False), masked(url))


def type_path(name: str) -> str:
    return f"/v1/types/{path_segment(name)}"


def path_segment(text: str) -> str:
    """Return `text`, escaped for use as one segment of a URL's path.

    :raises Unsendable: no path segment can represent the text.
    """
    if text in ("", ".", ".."):
        raise Unsendable(f"{text!r} is not a valid name")
    return quote(sendable(text), safe="")


def problem_details(problem: Mapping[str, Any]) -> list[str]:
    """Return the lines that describe a problem: its detail, then each field error that the detail does not contain."""
    detail = printable(str(problem.get("detail") or problem.get("title") or "the server gave no reason"))
    errors = problem.get("errors")
    lines = [
        printable(f"{error.get('pointer')}: {error.get('detail')}")
        for error in (errors if isinstance(errors, list) else ())
        if isinstance(error, dict)
    ]
    return [detail, *(line for line in lines if line not in detail)]


def _parsed(response: httpx.Response) -> Any:
    try:
        return response.json() if response.content else None
    except ValueError as e:
        raise ServiceError(response.status_code, {"detail": "the answer is not JSON: is this an AMP server?"}) from e


def _json(body: Any) -> bytes:
    try:
        return json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    except UnicodeEncodeError as e:
        raise Unsendable("the request contains text that is not UTF-8") from e
    except ValueError as e:
        raise Unsendable("the request contains a number that is not finite") from e
    except RecursionError as e:
        raise Unsendable("the request is nested too deeply") from e


def sendable(value: Any) -> Any:
    """Return `value` unchanged.

    :raises Unsendable: the value is a text with an unpaired surrogate.
    """
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError as e:
            raise Unsendable(f"{printable(value)} is not UTF-8 text") from e
    return value


def _is_transient(error: BaseException) -> bool:
    return isinstance(error, Unreachable) or (isinstance(error, ServiceError) and error.status in (429, 503))
