"""A history of assets that is right, into which a test plants a fault."""

import json
from dataclasses import replace
from uuid import UUID, uuid4

from amp.domain.ids import mint_at
from tests.chaos.random_operations.histories import Histories
from tests.chaos.random_operations.request_log import Content, Fate, JobRequest, Request, RequestLog
from tests.chaos.random_operations.stored_rows import HeadRow, Revision, StoredRows, Written

A, B, PURGED, C, D = (mint_at(1_700_000_000_000 + n) for n in range(5))
NAME = ("red", "name")


class Planted:
    """An asset that was created, labelled by PATCH, updated by a job and deleted; one that was not changed since it was
    created; one that was purged; and two of a bulk without a key, the second of which no client knows."""

    def __init__(self) -> None:
        self.request_log = RequestLog()
        self.create = self._request("creator", "create", Content("m1", 1, ("hot",)), A, 1, name=NAME)
        self.patch = self._request("patcher", "patch", Content(labels=("cold", "hot")), A, 2)
        self.patch.expected = 1
        self.job = JobRequest("updater", "update-job", "cold", Content(number=7))
        self.delete = self._request("deleter", "delete", Content(), A, 4)
        self.other = self._request("other", "create", Content("m2", 2, ()), B, 1, name=("red", None))
        self.refused = self._request("refused", "put", Content("m3", 3, ()), None, None, fate=Fate.REFUSED)
        self.gone = self._request("gone", "create", Content("m4", 4, ()), PURGED, 1, name=NAME)
        self.bulk = [self._item(C, "m6"), self._item(D, "m7", fate=Fate.UNKNOWN)]
        purge = JobRequest("purger", "purge-job", None, Content(), frozenset((PURGED,)))
        self.request_log.jobs += [self.job, purge]
        self.heads = {
            A: HeadRow(A, "deleted", 4, 2, "red", "name", ("cold", "hot"), "creator"),
            B: HeadRow(B, "active", 1, 1, "red", None, (), "other"),
            PURGED: HeadRow(PURGED, "purged", 3, 1, "", None, (), ""),
            C: HeadRow(C, "active", 1, 1, "red", None, (), "bulk"),
            D: HeadRow(D, "active", 1, 1, "red", None, (), "bulk"),
        }
        made = [("created", "creator"), ("labelled", "patcher"), ("updated", "updater"), ("deleted", "deleter")]
        self.revisions = {
            A: {n: Revision(kind, by, uuid4()) for n, (kind, by) in enumerate(made, 1)},
            B: {1: Revision("created", "other", uuid4())},
            PURGED: {3: Revision("purged", "purger", uuid4())},
            C: {1: Revision("created", "bulk", uuid4())},
            D: {1: Revision("created", "bulk", uuid4())},
        }
        self.versions = {
            A: {1: written(1, "m1", 1, "hot"), 2: written(3, "m1", 7, "cold", "hot")},
            B: {1: written(1, "m2", 2)},
            C: {1: written(1, "m6", 6)},
            D: {1: written(1, "m7", 6)},
        }

    def violations(self) -> list[str]:
        return Histories(StoredRows(self.heads, self.revisions, self.versions, []), self.request_log).check()

    def change_head(self, asset_id: UUID, **fields: object) -> None:
        self.heads[asset_id] = replace(self.heads[asset_id], **fields)

    def add(self, asset_id: UUID, kind: str, by: str) -> None:
        """One more revision of the asset."""
        number = self.heads[asset_id].revision + 1
        self.revisions[asset_id][number] = Revision(kind, by, uuid4())
        self.change_head(asset_id, revision=number)

    def _item(self, asset_id: UUID, mark: str, fate: Fate = Fate.DONE) -> Request:
        content = Content(mark, 6, ())
        return self._request("bulk", "create", content, asset_id, 1, name=("red", None), fate=fate)

    def _request(
        self, principal: str, kind: str, content: Content, asset_id: UUID | None, revision: int | None,
        *, fate: Fate = Fate.DONE, name: tuple[str, str | None] | None = None,
    ) -> Request:  # fmt: skip
        request = Request(principal, kind, content, asset_id, name, fate, revision)
        self.request_log.requests.append(request)
        return request


def written(revision: int, mark: str, number: int, *labels: str) -> Written:
    return Written(revision, json.dumps({"mark": mark, "number": number}), labels)
