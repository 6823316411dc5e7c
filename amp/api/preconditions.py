"""Reads the preconditions `If-Match` and `If-None-Match`. The `ETag` of an asset is its revision in quotes."""

import re
from collections.abc import Collection
from dataclasses import replace

from flask import request

from amp.api.errors import BadRequest
from amp.domain.preconditions import Precondition

#: An entity tag (RFC 9110, 8.8.3) and the separator after it.
_TAG = re.compile(r'[ \t]*(W/)?"([\x21\x23-\x7e\x80-\xff]*)"[ \t]*(?:,|$)')
_ALL = ("If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since", "If-Range")
_REVISION = re.compile(r"[1-9][0-9]{0,17}")


def etag(revision: int) -> str:
    return f'"{revision}"'


def precondition() -> Precondition:
    """Return what `If-Match` and `If-None-Match` of the current request require. In `If-Match`, weak tags match nothing
    (RFC 9110, 13.1.1).

    :raises BadRequest: one is malformed.
    """
    return replace(none_match(), any_of=_revisions("If-Match", weak=False), must_exist=_is_any("If-Match"))


def none_match() -> Precondition:
    """Return what `If-None-Match` alone requires. If it does not hold, the client has the current asset already.

    :raises BadRequest: the header is malformed.
    """
    return Precondition(
        none_of=_revisions("If-None-Match", weak=True) or frozenset(), must_not_exist=_is_any("If-None-Match")
    )


def reject_preconditions(supported: Collection[str]) -> None:
    """Reject a request with a precondition that its operation would ignore.

    :raises BadRequest: the request has a precondition that is not in `supported`.
    """
    for name in _ALL:
        if name in request.headers and name not in supported:
            raise BadRequest(f"header {name} is not supported here, so nothing was done; omit it")


def _revisions(name: str, *, weak: bool) -> frozenset[int] | None:
    tags = _tags(name)
    if tags is None:
        return None
    return frozenset(int(tag) for is_weak, tag in tags if weak >= is_weak and _REVISION.fullmatch(tag))


def _is_any(name: str) -> bool:
    return request.headers.get(name, "").strip() == "*"


def _tags(name: str) -> list[tuple[bool, str]] | None:
    """Return (whether it is weak, tag) for each tag of the header; None: there is no such header, or it is `*`."""
    text = request.headers.get(name)
    if text is None or text.strip() == "*":
        return None
    tags = []
    position = 0
    while position < len(text):
        match = _TAG.match(text, position)
        if match is None:
            break
        tags.append((match[1] is not None, match[2]))
        position = match.end()
    if position < len(text) or not tags:
        raise BadRequest(f'header {name} must be * or comma-separated entity tags in quotes, such as "3"')
    return tags
