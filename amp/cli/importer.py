"""Sends rows to the service in bulk, and keeps count of what became of each."""

import hashlib
import json
import random
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import orjson

from amp.cli.client import AmpClient, ServiceError, problem_details
from amp.errors import AmpError

_BATCH_ITEMS = 500
_BATCH_BYTES = 4 << 20
_UPDATES_AT_ONCE = 8
#: How often items are sent again that the service could not take for a passing reason.
_REPEATS = 8
_SEARCHABLE_TIMEOUT = "10s"


class OnExisting(StrEnum):
    SKIP = "skip"
    UPDATE = "update"
    FAIL = "fail"


class ImportStopped(AmpError):
    """The import stopped before its end; what was imported stays, and importing again goes on from there."""


@dataclass(slots=True)
class Item:
    """One asset to be, and the row it comes from."""

    line: int
    row: Any
    body: dict[str, Any]


@dataclass(slots=True)
class Counts:
    created: int = 0
    updated: int = 0
    skipped: int = 0
    rejected: int = 0


class RowIds:
    """External ids made from rows: the hash of a row and which of its equals it is, so that twins in a file stay two
    and the same file again makes no more of them. One word each: a search of all text for "row" or "1" is not for them.
    Remembers 8 bytes of each row."""

    def __init__(self, type_name: str) -> None:
        self._type_name = type_name
        self._seen: set[bytes] = set()
        self._repeated: Counter[bytes] = Counter()

    def next(self, row: Any) -> str:
        canonical = json.dumps([self._type_name, row], sort_keys=True).encode()
        digest = hashlib.sha256(canonical).digest()[:16]
        short = digest[:8]
        if short in self._seen:
            self._repeated[short] += 1
        self._seen.add(short)
        return f"row{digest.hex()}x{self._repeated[short] + 1}"


@dataclass(slots=True)
class Importer:
    """`add` the items, then `finish`. Sending the same items again is safe: their external ids are taken then."""

    client: AmpClient
    on_existing: OnExisting
    reject: Callable[[int, str, Any], None]  #: takes line, reason and row
    columns: Callable[[], Iterable[str]]  #: the fields that the file is known to have so far
    counts: Counts = field(default_factory=Counts)
    _items: list[Item] = field(default_factory=list)
    _lines: list[bytes] = field(default_factory=list)
    _bytes: int = 0

    def add(self, item: Item) -> None:
        """:raises AmpError: the import cannot go on."""
        line = orjson.dumps(item.body)
        if self._items and (len(self._items) >= _BATCH_ITEMS or self._bytes + len(line) > _BATCH_BYTES):
            self._flush()
        self._items.append(item)
        self._lines.append(line)
        self._bytes += len(line) + 1

    def finish(self) -> None:
        """Send what is left, and wait until it can be found.

        :raises AmpError: the import cannot go on.
        """
        if self._items:
            self._flush(wait_for="searchable", timeout=_SEARCHABLE_TIMEOUT)

    def _flush(self, **params: str) -> None:
        items, lines = self._items, self._lines
        self._items, self._lines, self._bytes = [], [], 0
        for repeat in range(_REPEATS):
            answers = self._send(lines, params)
            again = [i for i, answer in enumerate(answers) if answer["status"] in (429, 503)]
            self._settle(items, answers)
            if not again:
                return
            items, lines = [items[i] for i in again], [lines[i] for i in again]
            if repeat < _REPEATS - 1:
                time.sleep(min(0.2 * 2**repeat, 5.0) * random.uniform(0.8, 1.2))
        reason = problem_details(answers[again[0]]["problem"])[0]
        raise ImportStopped(f"stopped at line {items[0].line}: {reason}; run it again to go on")

    def _send(self, lines: Sequence[bytes], params: dict[str, str]) -> list[dict[str, Any]]:
        answer = self.client.call("POST", "/v1/assets/bulk", ndjson=b"\n".join(lines), params=params, repeatable=True)
        items: list[dict[str, Any]] = answer["items"]
        return items

    def _settle(self, items: Sequence[Item], answers: Sequence[dict[str, Any]]) -> None:
        existing: list[tuple[Item, dict[str, Any]]] = []
        for item, answer in zip(items, answers, strict=True):
            match answer["status"]:
                case 201:
                    self.counts.created += 1
                case 429 | 503:
                    pass
                case 409 if answer["problem"]["type"] == "urn:amp:problem:already-exists":
                    existing.append((item, answer["problem"]))
                case _:
                    self._rejected(item, answer["problem"])
        match self.on_existing:
            case OnExisting.SKIP:
                self.counts.skipped += len(existing)
            case OnExisting.UPDATE:
                with ThreadPoolExecutor(_UPDATES_AT_ONCE, thread_name_prefix="update") as pool:
                    for (item, _), outcome in zip(existing, pool.map(self._update, existing), strict=True):
                        if isinstance(outcome, bool):
                            self.counts.updated += outcome
                            self.counts.skipped += not outcome
                        else:
                            self._rejected(item, outcome)
            case OnExisting.FAIL if existing:
                item, problem = existing[0]
                raise ImportStopped(f"stopped at line {item.line}: {problem_details(problem)[0]}")

    def _update(self, existing: tuple[Item, dict[str, Any]]) -> bool | dict[str, Any]:
        """Whether it changed anything, or the problem. What the row says replaces what is there; labels, and metadata
        of no column of the file, stay."""
        item, problem = existing
        metadata = dict.fromkeys(self.columns()) | item.body["metadata"]
        patch = {"type": item.body["type"], "name": item.body["name"], "metadata": metadata}
        try:
            made = self.client.call("PATCH", f"/v1/assets/{problem['id']}", body=patch, repeatable=True)
        except ServiceError as e:
            if e.status in (429, 503):
                raise ImportStopped(f"stopped at line {item.line}: {e.message}; run it again to go on") from e
            return dict(e.problem)
        return bool(made["revision"] != problem["revision"])

    def _rejected(self, item: Item, problem: dict[str, Any]) -> None:
        self.counts.rejected += 1
        details = problem_details(problem)
        self.reject(item.line, "; ".join(details[1:] or details), item.row)
