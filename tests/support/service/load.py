"""Mixed writes from several clients, and a ledger of every write that was acknowledged."""

import random
import threading
import time
import uuid
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self
from uuid import UUID

import httpx

from tests.support.fault_campaign import rng
from tests.support.service.api_client import TYPE, ApiClient

_NO_ANSWER = 0


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """A write that the service said was done."""

    asset_id: UUID
    revision: int
    version: int
    kind: str  #: as the store calls it: created, updated, deleted, restored
    mark: str | None  #: in the content that the write made


@dataclass
class Ledger:
    """The answers that clients got; shared by all of them."""

    acknowledged: list[Acknowledged] = field(default_factory=list)
    #: Writes that may or may not have happened: no answer, or 503.
    unknown: int = 0
    #: Answers that are never right, whatever is down.
    surprises: list[str] = field(default_factory=list)


@dataclass
class _Owned:
    """What its one writer knows of an asset."""

    asset_id: str
    revision: int
    version: int
    deleted: bool = False
    sure: bool = True  #: nothing is known to have failed since the last look
    shaky: bool = False  #: something failed at some time, and may still happen


class Load:
    """Runs while it is entered; its clients share no assets, so each knows what it must find."""

    def __init__(self, url: str, purpose: str, *, clients: int = 5, writes_per_s: float = 25) -> None:
        self.ledger = Ledger()
        self._stop = threading.Event()
        self._writers = [
            _Writer(url, self.ledger, rng(f"{purpose}:{n}"), clients / writes_per_s) for n in range(clients)
        ]
        self._threads = [threading.Thread(target=writer.run, args=(self._stop,)) for writer in self._writers]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(120)
            assert not thread.is_alive(), "a client hangs"

    def run_for(self, seconds: float) -> None:
        """The load's own time, spent without doing anything else."""
        self._stop.wait(seconds)


class _Writer:
    """One client: a write, a pause, a write, …; it repeats what it has no answer to."""

    def __init__(self, url: str, ledger: Ledger, choices: random.Random, pause_s: float) -> None:
        self._api_client = ApiClient(url)
        self._ledger = ledger
        self._choices = choices
        self._pause_s = pause_s
        self._owned: list[_Owned] = []
        #: Creations without an answer: idempotency key and body.
        self._open: list[tuple[str, dict[str, Any]]] = []

    def run(self, stop: threading.Event) -> None:
        due = time.monotonic()
        while not stop.is_set():
            try:
                self._step()
            except Exception as e:  # noqa: BLE001 - to be shown by the test, whatever it is
                self._ledger.surprises.append(repr(e))
                return
            due = max(due + self._pause_s * self._choices.uniform(0.5, 1.5), time.monotonic() - 1)
            stop.wait(max(0.0, due - time.monotonic()))
        self._api_client.close()

    def _step(self) -> None:
        draw = self._choices.random()
        if self._open and draw < 0.5:
            self._create(*self._open.pop())
        elif draw < 0.35 or not self._owned:
            mark = uuid.uuid4().hex
            named = {"external_id": mark} if self._choices.random() < 0.3 else {}
            body = {"type": TYPE, "name": f"made {mark[:6]}", "metadata": {"mark": mark, "number": 1}} | named
            self._create(uuid.uuid4().hex, body)
        else:
            asset = self._choices.choice(self._owned)
            if not asset.sure:
                self._look(asset)
            elif asset.deleted:
                self._change(asset, "restored", "POST", f"/v1/assets/{asset.asset_id}/restore")
            elif draw < 0.5:
                self._change(asset, "deleted", "DELETE", f"/v1/assets/{asset.asset_id}")
            else:
                mark = uuid.uuid4().hex
                body = {"name": f"changed {mark[:6]}", "metadata": {"mark": mark, "number": asset.revision}}
                self._change(asset, "updated", "PUT", f"/v1/assets/{asset.asset_id}", body)

    def _create(self, key: str, body: dict[str, Any]) -> None:
        answer = self._api_client.send("POST", "/v1/assets", json=body, headers={"Idempotency-Key": key})
        match _status(answer):
            case 201:
                made = answer.json()
                owned = _Owned(made["id"], made["revision"], made["version"])
                self._owned.append(owned)
                self._acknowledge(owned, "created", body["metadata"]["mark"])
            case 503 | 0:
                self._ledger.unknown += 1
                self._open.append((key, body))
            case status:
                self._ledger.surprises.append(f"create: {status} {answer.text}")

    def _change(self, asset: _Owned, kind: str, method: str, path: str, body: dict[str, Any] | None = None) -> None:
        answer = self._api_client.send(method, path, json=body, headers={"If-Match": f'"{asset.revision}"'})
        match _status(answer):
            case 200 | 204:
                asset.revision += 1
                asset.version += kind == "updated"
                asset.deleted = kind == "deleted"
                if answer.headers["ETag"] != f'"{asset.revision}"':
                    self._ledger.surprises.append(f"{kind} {asset}: answered with {answer.headers['ETag']}")
                self._acknowledge(asset, kind, body["metadata"]["mark"] if body else None)
            case 503 | 0:
                self._ledger.unknown += 1
                asset.sure, asset.shaky = False, True
            # What failed before has happened after all.
            case 404 | 409 | 410 | 412 if asset.shaky:
                asset.sure = False
            case status:
                self._ledger.surprises.append(f"{kind} {asset}: {status} {answer.text}")
                asset.sure, asset.shaky = False, True

    def _look(self, asset: _Owned) -> None:
        answer = self._api_client.send("GET", f"/v1/assets/{asset.asset_id}?deleted=true")
        match _status(answer):
            case 200:
                found = answer.json()
                if found["revision"] < asset.revision:
                    self._ledger.surprises.append(f"{asset}: went back to {found['revision']}")
                asset.revision, asset.version = found["revision"], found["version"]
                asset.deleted, asset.sure = found["state"] == "deleted", True
            case 503 | 0:
                pass
            case status:
                self._ledger.surprises.append(f"look at {asset}: {status} {answer.text}")

    def _acknowledge(self, asset: _Owned, kind: str, mark: str | None) -> None:
        entry = Acknowledged(UUID(asset.asset_id), asset.revision, asset.version, kind, mark)
        self._ledger.acknowledged.append(entry)


def _status(answer: httpx.Response | None) -> int:
    return _NO_ANSWER if answer is None else answer.status_code
