"""Turns the errors of the Elasticsearch client into ours, in one place."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from elastic_transport import TransportError
from elasticsearch import ApiError

from amp.errors import AmpError, BadQuery, NotFound, SearchUnavailable, TooLarge


@contextmanager
def translated(action: str) -> Iterator[None]:
    """`action` says what was tried.

    :raises NotFound: 404. :raises TooLarge: 413. :raises BadQuery: 400. :raises SearchUnavailable: all else.
    """
    try:
        yield
    except ApiError as e:
        raise _of_answer(action, e) from e
    except TransportError as e:
        raise SearchUnavailable(f"{action}: the search index does not answer ({type(e).__name__})") from e


def error_type(error: ApiError) -> str:
    """Elasticsearch's own name of the error, such as `aliases_not_found_exception`."""
    found = _of_body(error).get("type", "")
    return str(found)


def _of_answer(action: str, error: ApiError) -> AmpError:
    body = _of_body(error)
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


def _of_body(error: ApiError) -> dict[str, Any]:
    body = error.body.get("error") if isinstance(error.body, dict) else None
    return body if isinstance(body, dict) else {}
