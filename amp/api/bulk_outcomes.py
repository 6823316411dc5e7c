"""Collects the outcomes of the items of a bulk request for its response, whose problems are limited in size."""

from collections.abc import Iterable
from typing import Any

import orjson

from amp.api.errors import problem_of
from amp.domain.assets import Asset
from amp.domain.storable_text import clipped
from amp.errors import AmpError

#: Size of all problems in one response, in bytes. Beyond it, a problem has no `errors` and a short `detail`.
_MAX_PROBLEMS_BYTES = 2 * 1024 * 1024
_SHORT_DETAIL_CHARS = 120


class BulkOutcomes:
    def __init__(self) -> None:
        self.entries: list[Any] = []  #: one JSON fragment per item, in the order of the items
        self._remaining_bytes = _MAX_PROBLEMS_BYTES

    def add(self, results: Iterable[Asset | AmpError]) -> None:
        for result in results:
            entry = self._failure(result) if isinstance(result, AmpError) else _success(result)
            self.entries.append(orjson.Fragment(orjson.dumps(entry)))

    def _failure(self, error: AmpError) -> dict[str, Any]:
        problem = problem_of(error)
        size = len(orjson.dumps(problem, default=str))
        if size > self._remaining_bytes:
            problem.pop("errors", None)
            problem["detail"] = clipped(problem["detail"], _SHORT_DETAIL_CHARS)
        self._remaining_bytes -= size
        return {"status": problem["status"], "id": None, "revision": None, "problem": problem}


def _success(asset: Asset) -> dict[str, Any]:
    return {"status": 201, "id": str(asset.id), "revision": asset.revision, "problem": None}
