"""Sends rows to the service in bulk, and keeps count of what became of each."""

import hashlib
import json
from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from uuid import uuid4

import orjson

from amp.cli.client import AmpClient, ServiceError, problem_details
from amp.errors import AmpError
from amp.services.runtime.retry import Backoff, retry_briefly

_BATCH_ITEMS = 500
_BATCH_BYTES = 4 << 20
_UPDATES_AT_ONCE = 8
#: How often items are sent, at most, that the service could not take for a passing reason.
_ATTEMPTS = 8
_PAUSES = Backoff(first_s=0.2, max_s=5.0)
_SEARCHABLE_TIMEOUT = "10s"


class OnExisting(StrEnum):
    SKIP = "skip"
    UPDATE = "update"
    FAIL = "fail"


class ImportStopped(AmpError):
    """The import stopped before its end; what was imported stays, and importing again goes on from there."""


class _Waiting(ImportStopped):
    """The service cannot take some of the items for a passing reason."""


@dataclass(slots=True)
class Item:
    """One asset to be, and the row it comes from."""

    line: int
    row: Any
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Found:
    """The asset that has an external id."""

    id: str
    revision: int
    problem: dict[str, Any] | None  #: how the service said that it was there before; None: it was created

    @property
    def is_old(self) -> bool:
        return self.problem is not None


@dataclass(frozen=True, slots=True)
class _Existing:
    """An asset, and the rows that are left for it, in the order of the file."""

    found: _Found
    rows: list[Item]


@dataclass(slots=True)
class Counts:
    created: int = 0
    updated: int = 0
    skipped: int = 0
    rejected: int = 0

    @property
    def settled(self) -> int:
        return self.created + self.updated + self.skipped + self.rejected


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
    """`add` the items, then `finish`. Sending the same items again is safe: their external ids are taken then.

    The rows of one external id take effect in the order of the file: of a batch, the first of each id is sent, and the
    others follow once it is settled.
    """

    client: AmpClient
    on_existing: OnExisting
    reject: Callable[[int, str, Any], None]  #: takes line, reason and row
    columns: Callable[[], Iterable[str]]  #: the fields that the file is known to have so far
    counts: Counts = field(default_factory=Counts)
    _items: list[Item] = field(default_factory=list)
    _bytes: int = 0

    def add(self, item: Item) -> None:
        """:raises AmpError: the import cannot go on."""
        size = len(orjson.dumps(item.body))
        if self._items and (len(self._items) >= _BATCH_ITEMS or self._bytes + size > _BATCH_BYTES):
            self._flush()
        self._items.append(item)
        self._bytes += size + 1

    def finish(self) -> None:
        """Send what is left, and wait until it can be found.

        :raises AmpError: the import cannot go on.
        """
        if self._items:
            self._flush(wait_for="searchable", timeout=_SEARCHABLE_TIMEOUT)

    def _flush(self, **params: str) -> None:
        items, self._items, self._bytes = self._items, [], 0
        rows_of_id: dict[str, deque[Item]] = {}
        for item in items:
            rows_of_id.setdefault(item.body["external_id"], deque()).append(item)
        while rows_of_id:
            firsts = [rows.popleft() for rows in rows_of_id.values()]
            there = self._create(firsts, params)
            self._settle_existing(
                [
                    _Existing(found, [*([first] if found.is_old else []), *rows])
                    for first, rows in zip(firsts, rows_of_id.values(), strict=True)
                    if (found := there.get(first.body["external_id"])) is not None
                ]
            )
            # Where the first row of an id was rejected, the next one has its turn.
            rows_of_id = {
                first.body["external_id"]: rows
                for first, rows in zip(firsts, list(rows_of_id.values()), strict=True)
                if rows and first.body["external_id"] not in there
            }

    def _create(self, items: list[Item], params: dict[str, str]) -> dict[str, "_Found"]:
        """External id → the asset that has it now, of items of different ids; without those that were rejected."""
        there: dict[str, _Found] = {}
        # An answer that was lost must not look like an id that somebody else has taken.
        key = str(uuid4()) if self.on_existing is OnExisting.FAIL else None
        waiting = {item.body["external_id"]: item for item in items}

        def attempt() -> None:
            sent = list(waiting.values()) if key is None else items
            passing: list[dict[str, Any]] = []
            for item, answer in zip(sent, self._send(sent, params, key), strict=True):
                if (external_id := item.body["external_id"]) not in waiting:
                    continue
                if answer["status"] in (429, 503):
                    passing.append(answer["problem"])
                    continue
                del waiting[external_id]
                if (found := self._found(item, answer)) is not None:
                    there[external_id] = found
            if passing:
                reason, line = problem_details(passing[-1])[0], next(iter(waiting.values())).line
                raise _Waiting(f"stopped at line {line}: {reason}; run it again to go on")

        retry_briefly(attempt, lambda error: isinstance(error, _Waiting), limit=_ATTEMPTS, backoff=_PAUSES)
        return there

    def _send(self, items: Sequence[Item], params: dict[str, str], key: str | None) -> list[dict[str, Any]]:
        answer = self.client.call(
            "POST", "/v1/assets/bulk", ndjson=b"\n".join(orjson.dumps(item.body) for item in items), params=params,
            idempotency_key=key, repeatable=True,
        )  # fmt: skip
        answers: list[dict[str, Any]] = answer["items"]
        return answers

    def _found(self, item: Item, answer: dict[str, Any]) -> "_Found | None":
        problem = answer["problem"]
        if answer["status"] == 201:
            self.counts.created += 1
            return _Found(answer["id"], answer["revision"], None)
        if answer["status"] == 409 and problem["type"] == "urn:amp:problem:already-exists":
            return _Found(problem["id"], problem["revision"], problem)
        self._rejected(item, problem)
        return None

    def _settle_existing(self, existing: list["_Existing"]) -> None:
        existing = [one for one in existing if one.rows]
        if not existing:
            return
        match self.on_existing:
            case OnExisting.SKIP:
                self.counts.skipped += sum(len(one.rows) for one in existing)
            case OnExisting.UPDATE:
                with ThreadPoolExecutor(_UPDATES_AT_ONCE, thread_name_prefix="update") as pool:
                    outcomes = list(pool.map(self._update_all, existing))
                for one, (settled, _) in zip(existing, outcomes, strict=True):
                    for item, outcome in zip(one.rows, settled, strict=False):
                        self._count_update(item, outcome)
                stops = [stop for _, stop in outcomes if stop is not None]
                if stops:
                    raise stops[0]
            case OnExisting.FAIL:
                one = min(existing, key=lambda one: one.rows[0].line)
                reason = (
                    problem_details(one.found.problem)[0]
                    if one.found.problem is not None
                    else f"external id {one.rows[0].body['external_id']!r} is in the file twice"
                )
                raise ImportStopped(f"stopped at line {one.rows[0].line}: {reason}")

    def _count_update(self, item: Item, outcome: bool | dict[str, Any]) -> None:
        if isinstance(outcome, bool):
            self.counts.updated += outcome
            self.counts.skipped += not outcome
        else:
            self._rejected(item, outcome)

    def _update_all(self, one: "_Existing") -> tuple[list[bool | dict[str, Any]], AmpError | None]:
        """For each row in order, whether it changed anything, or the problem; and what ended it before the last."""
        settled: list[bool | dict[str, Any]] = []
        revision = one.found.revision
        for item in one.rows:
            try:
                made = self._update(item, one.found.id)
            except ServiceError as e:
                if e.status in (429, 503):
                    return settled, ImportStopped(f"stopped at line {item.line}: {e.message}; run it again to go on")
                settled.append(dict(e.problem))
            except AmpError as e:
                return settled, e
            else:
                settled.append(made != revision)
                revision = made
        return settled, None

    def _update(self, item: Item, asset_id: str) -> int:
        """The revision it has then. What the row says replaces what is there; labels, and metadata of no column of the
        file, stay."""
        metadata = dict.fromkeys(self.columns()) | item.body["metadata"]
        patch = {"type": item.body["type"], "name": item.body["name"], "metadata": metadata}
        made = self.client.call("PATCH", f"/v1/assets/{asset_id}", body=patch, repeatable=True)
        return int(made["revision"])

    def _rejected(self, item: Item, problem: dict[str, Any]) -> None:
        self.counts.rejected += 1
        details = problem_details(problem)
        self.reject(item.line, "; ".join(details[1:] or details), item.row)
