"""What became of the items of a bulk request, as its answer tells it, within a bound in bytes."""

from collections.abc import Iterable
from typing import Any

import orjson

from amp.api.errors import problem_of
from amp.domain.assets import Asset
from amp.domain.storable_text import clipped
from amp.errors import AmpError

#: Of all problems in one answer; those past it are cut down to a sentence.
_PROBLEMS_BYTES = 2 * 1024 * 1024
_SHORT_CHARS = 120


class BulkOutcomes:
    def __init__(self) -> None:
        self.entries: list[Any] = []  #: as JSON, in the order of the items
        self._left_bytes = _PROBLEMS_BYTES

    def add(self, results: Iterable[Asset | AmpError]) -> None:
        for result in results:
            entry = self._refused(result) if isinstance(result, AmpError) else _created(result)
            self.entries.append(orjson.Fragment(orjson.dumps(entry)))

    def _refused(self, error: AmpError) -> dict[str, Any]:
        problem = problem_of(error)
        size = len(orjson.dumps(problem, default=str))
        if size > self._left_bytes:
            problem.pop("errors", None)
            problem["detail"] = clipped(problem["detail"], _SHORT_CHARS)
        self._left_bytes -= size
        return {"status": problem["status"], "id": None, "revision": None, "problem": problem}


def _created(asset: Asset) -> dict[str, Any]:
    return {"status": 201, "id": str(asset.id), "revision": asset.revision, "problem": None}
