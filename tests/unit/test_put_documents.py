"""Writers that wait for a move whose mover may be dead help it on, and give way whenever somebody else is further."""

import threading
from typing import Any

import pytest

from amp.domain.buckets import first_map
from amp.domain.documents import IndexedDocument
from amp.domain.ids import mint_at
from amp.ports.search_index import Put, PutResult, Written
from amp.services.move_aliases import LookAgain
from amp.services.put_documents import AssetDocuments, PutDocuments
from amp.services.runtime.retry import Stopped


class _Index:
    def put(self, puts: list[Put]) -> list[PutResult]:
        return [PutResult(Written.STALE) for _ in puts]


class _Maps:
    def current(self) -> object:
        return first_map("amp")

    refresh = current


class _NeverDone:
    """Somebody else is always further."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.settled = 0

    def settle(self, _bucket_map: object) -> None:
        self.settled += 1
        assert self.settled <= self.most, "no pause between looks"
        raise LookAgain


class _Refusing:
    def refuses(self, _index: str) -> bool:
        return False


class _Stop(threading.Event):
    """Set after so many pauses, which take no time."""

    def __init__(self, pauses: int) -> None:
        super().__init__()
        self.left = pauses

    def wait(self, timeout: float | None = None) -> bool:  # noqa: ARG002 - nobody waits here
        self.left -= 1
        return self.left <= 0


def test_a_writer_that_helps_a_move_pauses_between_looks_and_can_be_stopped() -> None:
    aliases: Any = _NeverDone(most=100)
    index: Any = _Index()
    maps: Any = _Maps()
    refusing: Any = _Refusing()
    putter = PutDocuments(index, maps, aliases, refusing)
    asset_id = mint_at(1_000)
    asset = AssetDocuments(asset_id, 1_000, (IndexedDocument(str(asset_id), 1, {}),))  # type: ignore[typeddict-item]
    with pytest.raises(Stopped):
        putter.put([asset], _Stop(100))
    assert aliases.settled > 1
