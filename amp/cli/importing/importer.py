"""Sends rows to the service in bulk, and counts them by their outcome."""

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from uuid import uuid4

import orjson

from amp.cli.client import AmpClient, ServiceError, problem_details
from amp.cli.importing.items import Item
from amp.cli.importing.place import Place
from amp.errors import AmpError
from amp.services.runtime.retry import Backoff, retry_briefly

_BATCH_ITEMS = 500
_BATCH_BYTES = 4 << 20
_MAX_CONCURRENT_UPDATES = 8
#: Maximum number of attempts to send items that the service refuses for a transient reason.
_ATTEMPTS = 8
_PAUSES = Backoff(first_s=0.2, max_s=5.0)
_SEARCHABLE_TIMEOUT = "10s"
_RUN_AGAIN = "run the import again to continue"


class OnExisting(StrEnum):
    """What to do with a row whose external id already has an asset."""

    SKIP = "skip"
    UPDATE = "update"
    RESTORE = "restore"  #: Update it; if it is deleted, restore it first.
    FAIL = "fail"


class ImportStopped(AmpError):
    """The import stopped before its end. What was imported stays, and running the import again continues from there."""


class _ItemsRefused(ImportStopped):
    """The service refused some of the items for a transient reason."""


@dataclass(frozen=True, slots=True)
class _Asset:
    """The asset that has an external id now."""

    id: str
    revision: int
    problem: dict[str, Any] | None  #: The problem by which the service reported that it exists. None: it was created.
    deleted: bool = False

    @property
    def existed(self) -> bool:
        return self.problem is not None


@dataclass(frozen=True, slots=True)
class _PendingRows:
    """An asset, and the rows that are not yet applied to it, in the order of the file."""

    asset: _Asset
    rows: list[Item]


@dataclass(slots=True)
class Counts:
    """The numbers of rows by outcome."""

    created: int = 0
    updated: int = 0  #: Restored ones are among them.
    unchanged: int = 0  #: An update found the asset as the row would make it.
    skipped: int = 0  #: The asset exists.
    rejected: int = 0

    @property
    def settled(self) -> int:
        return self.created + self.updated + self.unchanged + self.skipped + self.rejected


@dataclass(slots=True)
class Importer:
    """Imports items: call `add` for each, then `finish`. Importing the same items again is safe, because their external
    ids exist then.

    The rows of one external id take effect in the order of the file. Of each batch, the first row of each id is sent.
    The others follow when it is settled.
    """

    client: AmpClient
    on_existing: OnExisting
    on_rejected: Callable[[Place, str, Any], None]  #: Called with the place, the reason and the row.
    counts: Counts = field(default_factory=Counts)
    deleted: int = 0  #: Number of rejected rows whose asset is deleted.
    _items: list[Item] = field(default_factory=list)
    _bytes: int = 0

    def add(self, item: Item) -> None:
        """Add an item, and send a batch if enough items are waiting.

        :raises AmpError: the import cannot continue.
        """
        size = len(orjson.dumps(item.body))
        if self._items and (len(self._items) >= _BATCH_ITEMS or self._bytes + size > _BATCH_BYTES):
            self._flush()
        self._items.append(item)
        self._bytes += size + 1

    def reject(self, place: Place, reason: str, row: Any) -> None:
        """Count and report a row that cannot be imported."""
        self.counts.rejected += 1
        self.on_rejected(place, reason, row)

    def flush(self) -> None:
        """Send the waiting items.

        :raises AmpError: the import cannot continue.
        """
        if self._items:
            self._flush()

    def finish(self) -> None:
        """Send the waiting items, and wait until they are searchable.

        :raises AmpError: the import cannot continue.
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
            assets = self._create(firsts, params)
            self._settle_pending(
                [
                    _PendingRows(asset, [*([first] if asset.existed else []), *rows])
                    for first, rows in zip(firsts, rows_of_id.values(), strict=True)
                    if (asset := assets.get(first.body["external_id"])) is not None
                ]
            )
            # If the first row of an id was rejected, the next row of the id is sent.
            rows_of_id = {
                first.body["external_id"]: rows
                for first, rows in zip(firsts, list(rows_of_id.values()), strict=True)
                if rows and first.body["external_id"] not in assets
            }

    def _create(self, items: list[Item], params: dict[str, str]) -> dict[str, "_Asset"]:
        """Create assets from items with different external ids.

        Return the assets that now have these ids, by external id, without those of rejected items.
        """
        assets: dict[str, _Asset] = {}
        # If a response is lost, the retry must not report the created assets as existing ones.
        key = str(uuid4()) if self.on_existing is OnExisting.FAIL else None
        waiting = {item.body["external_id"]: item for item in items}

        def attempt() -> None:
            sent = list(waiting.values()) if key is None else items
            refusals: list[dict[str, Any]] = []
            for item, answer in zip(sent, self._send(sent, params, key), strict=True):
                if (external_id := item.body["external_id"]) not in waiting:
                    continue
                if answer["status"] in (429, 503):
                    refusals.append(answer["problem"])
                    continue
                del waiting[external_id]
                if (asset := self._asset_of(item, answer)) is not None:
                    assets[external_id] = asset
            if refusals:
                reason, place = problem_details(refusals[-1])[0], next(iter(waiting.values())).place
                raise _ItemsRefused(f"stopped at {place}: {reason}; {_RUN_AGAIN}")

        retry_briefly(attempt, lambda error: isinstance(error, _ItemsRefused), limit=_ATTEMPTS, backoff=_PAUSES)
        return assets

    def _send(self, items: Sequence[Item], params: dict[str, str], key: str | None) -> list[dict[str, Any]]:
        answer = self.client.call(
            "POST", "/v1/assets/bulk", ndjson=b"\n".join(orjson.dumps(item.body) for item in items), params=params,
            headers=None if key is None else {"Idempotency-Key": key}, repeatable=True,
        )  # fmt: skip
        answers: list[dict[str, Any]] = answer["items"]
        return answers

    def _asset_of(self, item: Item, answer: dict[str, Any]) -> "_Asset | None":
        """Return the asset that has the item's external id, or None if it was rejected. Count new and rejected ones."""
        problem = answer["problem"]
        if answer["status"] == 201:
            self.counts.created += 1
            return _Asset(answer["id"], answer["revision"], None)
        if answer["status"] == 409 and problem["type"] == "urn:amp:problem:already-exists":
            deleted = problem.get("state") == "deleted"
            if not deleted or self.on_existing in (OnExisting.RESTORE, OnExisting.FAIL):
                return _Asset(problem["id"], problem["revision"], problem, deleted)
            self.deleted += 1
            problem = {"detail": f"asset {problem['id']} has this external id and is deleted"}
        self._reject(item, problem)
        return None

    def _settle_pending(self, pending: list["_PendingRows"]) -> None:
        pending = [group for group in pending if group.rows]
        if not pending:
            return
        match self.on_existing:
            case OnExisting.SKIP:
                self.counts.skipped += sum(len(group.rows) for group in pending)
            case OnExisting.UPDATE | OnExisting.RESTORE:
                with ThreadPoolExecutor(_MAX_CONCURRENT_UPDATES, thread_name_prefix="update") as pool:
                    outcomes = list(pool.map(self._update_all, pending))
                for group, (settled, _) in zip(pending, outcomes, strict=True):
                    for item, outcome in zip(group.rows, settled, strict=False):
                        self._count_update(item, outcome)
                errors = [error for _, error in outcomes if error is not None]
                if errors:
                    raise errors[0]
            case OnExisting.FAIL:
                group = min(pending, key=lambda group: group.rows[0].place.line)
                reason = (
                    problem_details(group.asset.problem)[0]
                    if group.asset.problem is not None
                    else f"external id {group.rows[0].body['external_id']!r} is in the file more than once"
                )
                raise ImportStopped(f"stopped at {group.rows[0].place}: {reason}")

    def _count_update(self, item: Item, outcome: bool | dict[str, Any]) -> None:
        if isinstance(outcome, bool):
            self.counts.updated += outcome
            self.counts.unchanged += not outcome
        else:
            self._reject(item, outcome)

    def _update_all(self, pending: "_PendingRows") -> tuple[list[bool | dict[str, Any]], AmpError | None]:
        """Apply the rows in order. Return for each whether it changed the asset, or its problem.

        The second value is the error that prevented the remaining rows, if any.
        """
        settled: list[bool | dict[str, Any]] = []
        revision = pending.asset.revision
        deleted = pending.asset.deleted
        for item in pending.rows:
            try:
                if deleted:
                    self.client.call("POST", f"/v1/assets/{pending.asset.id}/restore", repeatable=True)
                    deleted = False
                updated = self._update(item, pending.asset.id)
            except ServiceError as e:
                if e.status in (429, 503):
                    return settled, ImportStopped(f"stopped at {item.place}: {e.message}; {_RUN_AGAIN}")
                settled.append(dict(e.problem))
            except AmpError as e:
                return settled, e
            else:
                settled.append(updated != revision)
                revision = updated
        return settled, None

    def _update(self, item: Item, asset_id: str) -> int:
        """Update an asset from a row, and return the resulting revision.

        The row replaces the type, the name, and the metadata for which the file has a column. Labels and other metadata
        stay.
        """
        metadata = dict.fromkeys(item.fields) | item.body["metadata"]
        patch = {"type": item.body["type"], "name": item.body["name"], "metadata": metadata}
        asset = self.client.call("PATCH", f"/v1/assets/{asset_id}", body=patch, repeatable=True)
        return int(asset["revision"])

    def _reject(self, item: Item, problem: dict[str, Any]) -> None:
        details = problem_details(problem)
        self.reject(item.place, "; ".join(details[1:] or details), item.row)
