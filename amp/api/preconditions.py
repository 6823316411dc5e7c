"""Conditional requests: `If-Match`, `If-None-Match` and the `ETag` that is an asset's revision in quotes."""

import re

from flask import request

from amp.api.errors import BadRequest
from amp.domain.assets import Asset
from amp.services.change_assets import Expected

#: An entity tag (RFC 9110, 8.8.3) and what stands between it and the next.
_TAG = re.compile(r'[ \t]*(W/)?"([\x21\x23-\x7e\x80-\xff]*)"[ \t]*(?:,|$)')
_REVISION = re.compile(r"[1-9][0-9]{0,17}")


def etag(revision: int) -> str:
    return f'"{revision}"'


def expected_revisions() -> Expected:
    """The revisions of which `If-Match` accepts one; None: any. Weak tags match nothing (RFC 9110, 13.1.1).

    :raises BadRequest: it is malformed.
    """
    tags = _tags("If-Match")
    if tags is None:
        return None
    return frozenset(int(tag) for weak, tag in tags if not weak and _REVISION.fullmatch(tag))


def is_known(asset: Asset) -> bool:
    """Whether `If-None-Match` names the asset's revision, or everything.

    :raises BadRequest: it is malformed.
    """
    if "If-None-Match" not in request.headers:
        return False
    tags = _tags("If-None-Match")
    return tags is None or any(tag == str(asset.revision) for _, tag in tags)


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
