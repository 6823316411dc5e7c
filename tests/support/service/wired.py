"""The whole service without its worker loops, so that a test decides itself what is published, indexed and when."""

import threading
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson

from amp.bootstrap import Amp
from amp.domain.assets import Asset
from amp.domain.changes import Draft
from amp.domain.criteria import IndexQuery, OneOf, RootField, RootMatches
from amp.domain.messages import AssetChanged
from amp.domain.preconditions import ANY_STATE
from amp.domain.principals import Principal
from amp.domain.types import Field, FieldType
from amp.ports.message_queue import Topic
from amp.services.assets.creation import CreateRequest
from amp.services.assets.edit import NewContent
from amp.services.indexing.write_documents import AssetDocuments
from tests.support.service.built import built

PRINCIPAL = Principal("tester")


@dataclass
class Wired:
    """An `Amp` and, on top of it, what tests of indexing do all the time; it minds only the assets it made itself."""

    amp: Amp
    mine: set[UUID] = field(default_factory=set)

    def create(self, name: str = "first", **metadata: Any) -> Asset:
        draft = Draft(type="clip", name=name, metadata=metadata)
        asset = self.amp.assets.creation.create(CreateRequest(draft), PRINCIPAL)
        self.mine.add(asset.id)
        return asset

    def edit(self, asset: Asset, name: str) -> Asset:
        def edit(before: Asset) -> NewContent:
            return NewContent(name, before.metadata, before.labels)

        return self.amp.assets.editing.edit(asset.id, edit, ANY_STATE, PRINCIPAL)

    def label(self, asset: Asset, *labels: str) -> Asset:
        def edit(before: Asset) -> NewContent:
            return NewContent(before.name, before.metadata, labels)

        return self.amp.assets.editing.edit(asset.id, edit, ANY_STATE, PRINCIPAL)

    def delete(self, asset: Asset) -> Asset:
        return self.amp.assets.editing.delete(asset.id, ANY_STATE, PRINCIPAL)

    def restore(self, asset: Asset) -> Asset:
        return self.amp.assets.editing.restore(asset.id, ANY_STATE, PRINCIPAL)

    def events(self, count: int) -> list[AssetChanged]:
        """The next `count` events of the realtime topic, committed."""
        consumer = self.amp.adapters.queue.consume(Topic.REALTIME, "watching")
        try:
            got: list[AssetChanged] = []
            while len(got) < count:
                deliveries = consumer.poll(count - len(got), 10.0)
                assert deliveries, f"{count} events expected, {len(got)} came"
                got += [d.message for d in deliveries if d.message is not None and d.message.asset_id in self.mine]
                consumer.commit(deliveries)
            return got
        finally:
            consumer.close()

    def documents(self, count: int) -> Sequence[AssetDocuments]:
        """What the index worker would write after the next `count` changes."""
        changes: dict[UUID, list[AssetChanged]] = defaultdict(list)
        for event in self.events(count):
            changes[event.asset_id].append(event)
        return self.amp.indexing.builder.build(changes).documents

    def index(self, *events: AssetChanged) -> None:
        """Take these events into the index, as the worker does, and let searches see it."""
        assert self.amp.indexing.indexer.index(events, threading.Event()) == {}
        self.refresh()

    def refresh(self) -> None:
        indices = self.amp.adapters.indices
        indices.refresh([info.index for info in indices.info()])

    def seen(self, *, all_versions: bool = False) -> list[tuple[str, int, int]]:
        """What a search shows of them: (id, version, revision)."""
        mine = RootMatches(RootField.ID, (OneOf(tuple(map(str, self.mine))),))
        request = IndexQuery(criteria=mine, size=200, all_versions=all_versions)
        page = self.amp.adapters.index.search(request)
        items = [orjson.loads(hit.source) for hit in page.hits]
        return sorted((item["id"], item["version"], item["revision"]) for item in items)

    def head(self, asset_id: UUID) -> Asset:
        return self.amp.assets.reader.get(asset_id, Principal())


@contextmanager
def wired(settings: Mapping[str, object]) -> Iterator[Wired]:
    with built(settings) as amp:
        fields = {
            "cameraId": Field(type=FieldType.LONG),
            "codec": Field(type=FieldType.STRING),
            "notes": Field(type=FieldType.TEXT),
        }
        amp.types.registration.create("clip", "", fields, PRINCIPAL)
        yield Wired(amp)


def embedded(folder: Path) -> dict[str, object]:
    return {"profile": "embedded", "data_dir": folder}
