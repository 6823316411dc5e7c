"""Conditional requests: `If-Match`, `If-None-Match` and the `ETag` that is an asset's revision in quotes."""

import re
from collections.abc import Collection
from dataclasses import replace

from flask import request

from amp.api.errors import BadRequest
from amp.domain.preconditions import Precondition

#: An entity tag (RFC 9110, 8.8.3) and what stands between it and the next.
_TAG = re.compile(r'[ \t]*(W/)?"([\x21\x23-\x7e\x80-\xff]*)"[ \t]*(?:,|$)')
_ALL = ("If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since", "If-Range")
_REVISION = re.compile(r"[1-9][0-9]{0,17}")


def etag(revision: int) -> str:
    return f'"{revision}"'


def precondition() -> Precondition:
    """What `If-Match` and `If-None-Match` require. Weak tags match nothing in the former (RFC 9110, 13.1.1).

    :raises BadRequest: one is malformed.
    """
    return replace(none_match(), any_of=_revisions("If-Match", weak=False), must_exist=_is_any("If-Match"))


def none_match() -> Precondition:
    """What `If-None-Match` alone requires; where it does not hold, the reader has the asset already.

    :raises BadRequest: it is malformed.
    """
    return Precondition(
        none_of=_revisions("If-None-Match", weak=True) or frozenset(), must_not_exist=_is_any("If-None-Match")
    )


def refuse_preconditions(supported: Collection[str]) -> None:
    """:raises BadRequest: a precondition is sent that the operation does not support: it is not to be ignored."""
    for name in _ALL:
        if name in request.headers and name not in supported:
            raise BadRequest(f"header {name} is not supported here, so nothing was done; leave it out")


def _revisions(name: str, *, weak: bool) -> frozenset[int] | None:
    tags = _tags(name)
    if tags is None:
        return None
    return frozenset(int(tag) for is_weak, tag in tags if weak >= is_weak and _REVISION.fullmatch(tag))


def _is_any(name: str) -> bool:
    return request.headers.get(name, "").strip() == "*"


def _tags(name: str) -> list[tuple[bool, str]] | None:
    """(whether weak, tag) of the header; None: there is no such header, or it is `*`."""
    text = request.headers.get(name)
    if text is None or text.strip() == "*":
        return None
    tags = []
    at = 0
    while at < len(text):
        found = _TAG.match(text, at)
        if found is None:
            break
        tags.append((found[1] is not None, found[2]))
        at = found.end()
    if at < len(text) or not tags:
        raise BadRequest(f'{name} takes entity tags in quotes, such as "3", by commas, or *')
    return tags
