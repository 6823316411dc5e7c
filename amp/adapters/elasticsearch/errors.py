"""The one place that translates errors of the Elasticsearch client."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from elastic_transport import TransportError
from elasticsearch import ApiError

from amp.errors import AmpError, BadQuery, NotFound, SearchUnavailable, TooLarge


@contextmanager
def translated(action: str) -> Iterator[None]:
    """Translate errors of the driver. The message begins with `action`, which says what was attempted.

    :raises BadQuery: the answer has status 400.
    :raises NotFound: the answer has status 404.
    :raises TooLarge: the answer has status 413.
    :raises SearchUnavailable: any other error, or no answer.
    """
    try:
        yield
    except ApiError as e:
        raise _translation(action, e) from e
    except TransportError as e:
        raise SearchUnavailable(f"{action}: the search index does not answer ({type(e).__name__})") from e


def error_type(error: ApiError) -> str:
    """Return Elasticsearch's own name of the error, such as `aliases_not_found_exception`."""
    return str(_error_body(error).get("type", ""))


def _translation(action: str, error: ApiError) -> AmpError:
    body = _error_body(error)
    causes = body.get("root_cause") or [body]
    message = f"{action}: {causes[0].get('reason') or error.message}"
    match error.status_code:
        case 400:
            return BadQuery(message)
        case 404:
            return NotFound(message)
        case 413:
            return TooLarge(message)
    return SearchUnavailable(f"{message} (status {error.status_code})")


def _error_body(error: ApiError) -> dict[str, Any]:
    body = error.body.get("error") if isinstance(error.body, dict) else None
    return body if isinstance(body, dict) else {}
