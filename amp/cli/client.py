"""The CLI's way to the service: HTTP with timeouts, and retries where repeating is safe."""

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

#: Longer than the server itself takes for anything it does on request.
TIMEOUT_S = 60.0
_CONNECT_TIMEOUT_S = 5.0
_ATTEMPTS = 5
_PAUSES = Backoff(first_s=0.3, max_s=2.0)


class ServiceError(AmpError):
    """The service does not do what was asked."""

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        self.status = status
        self.problem = problem
        first, *places = problem_details(problem)
        super().__init__("\n  ".join([f"{first} ({status})", *places]))


class Unreachable(AmpError):
    """No server answers."""


class Unsendable(AmpError):
    """The request cannot be sent."""


class AmpClient:
    """Speaks JSON with one server. Safe from any number of threads."""

    def __init__(self, http: httpx.Client, where: str, *, local: bool = False) -> None:
        self._http = http
        self.where = where  #: as people are told
        self.local = local  #: the service runs in this very process, and ends with it

    def get(self, path: str, **params: Any) -> Any:
        return self.call("GET", path, params=params, repeatable=True)

    def call(
        self,
        method: str,
        path: str,
        *,
        body: Any = None,
        ndjson: bytes | None = None,
        idempotency_key: str | None = None,
        params: Mapping[str, Any] | None = None,
        repeatable: bool = False,
    ) -> Any:
        """The JSON of the answer. `repeatable`: the same call twice does no harm.

        :raises Unsendable: JSON or a URL cannot carry what it holds.
        :raises ServiceError: the server refused, with its problem document.
        :raises Unreachable: it does not answer.
        """
        request: dict[str, Any] = {"params": {k: sendable(v) for k, v in (params or {}).items() if v is not None}}
        if ndjson is not None:
            request |= {"content": ndjson, "headers": {"Content-Type": "application/x-ndjson"}}
        elif body is not None:
            request |= {"content": _json(body), "headers": {"Content-Type": "application/json"}}
        if idempotency_key is not None:
            request["headers"] = request.get("headers", {}) | {"Idempotency-Key": idempotency_key}
        return retry_briefly(
            lambda: self._once(method, path, request),
            _may_pass,
            limit=_ATTEMPTS if repeatable else 1,
            within_s=TIMEOUT_S,
            backoff=_PAUSES,
        )

    def pages(self, path: str, **params: Any) -> Iterator[Any]:
        """The items of a list, page after page."""
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
            # Its message would quote the URL.
            raise Unreachable(f"{self.where} is not an address of a server") from e
        if response.is_success:
            return _answer(response)
        try:
            problem = response.json()
        except ValueError:
            problem = None
        if not isinstance(problem, dict):
            problem = {"title": response.reason_phrase, "detail": response.text[:200]}
        raise ServiceError(response.status_code, problem)


def connect(url: str, folder: str | None = None) -> AmpClient:
    """:param folder: the identity of the data folder that is meant; a server of another one refuses every request."""
    headers = {} if folder is None else {FOLDER_HEADER: folder}
    timeout = httpx.Timeout(TIMEOUT_S, connect=_CONNECT_TIMEOUT_S)
    # Proxies of the environment are for the internet; the server is named outright.
    return AmpClient(httpx.Client(base_url=url, headers=headers, timeout=timeout, trust_env=False), masked(url))


def type_path(name: str) -> str:
    return f"/v1/types/{path_segment(name)}"


def path_segment(text: str) -> str:
    """:raises Unsendable: no path can name it."""
    if text in ("", ".", ".."):
        raise Unsendable(f"{text!r} is not a name")
    return quote(sendable(text), safe="")


def problem_details(problem: Mapping[str, Any]) -> list[str]:
    """What is wrong, then each place of it that it does not name already; a line each."""
    detail = printable(str(problem.get("detail") or problem.get("title") or "no reason given"))
    found = problem.get("errors")
    faults = [
        printable(f"{fault.get('pointer')}: {fault.get('detail')}")
        for fault in (found if isinstance(found, list) else ())
        if isinstance(fault, dict)
    ]
    return [detail, *(fault for fault in faults if fault not in detail)]


def _answer(response: httpx.Response) -> Any:
    try:
        return response.json() if response.content else None
    except ValueError as e:
        raise ServiceError(response.status_code, {"detail": "the answer is not JSON: is this an AMP server?"}) from e


def _json(body: Any) -> bytes:
    try:
        return json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    except UnicodeEncodeError as e:
        raise Unsendable("the request holds text that is not UTF-8") from e
    except ValueError as e:
        raise Unsendable("the request holds a number that is not finite") from e
    except RecursionError as e:
        raise Unsendable("the request is nested too deep") from e


def sendable(value: Any) -> Any:
    """:raises Unsendable: it is text with lone surrogates."""
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError as e:
            raise Unsendable(f"{printable(value)} is not UTF-8 text") from e
    return value


def _may_pass(error: BaseException) -> bool:
    return isinstance(error, Unreachable) or (isinstance(error, ServiceError) and error.status in (429, 503))
