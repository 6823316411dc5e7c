"""Random datasets: a few asset types that disagree about their keys, and assets with a past."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import count
from uuid import UUID, uuid5

import orjson
from hypothesis import strategies as st

from amp.domain.assets import Asset, State, Value, asset_json, version_json, version_of
from amp.domain.documents import IndexedDocument, head_document, superseded_document
from amp.domain.types import AssetType, Field, FieldType
from tests.support.oracle import values
from tests.support.oracle.items import Item
from tests.support.oracle.values import pick

KEYS = ["k1", "k2", "K1", "k.3", "k-4_x"]
#: Many assets of few milliseconds; `BOUNDARY_MS` parts two buckets.
CREATED_MS = [0, 1, 1_577_836_799_999, 1_577_836_800_000, 1_577_836_800_001, 1_600_000_000_000]
BOUNDARY_MS = 1_577_836_800_000
UPDATED_MS = [1_600_000_000_000, 1_600_000_000_001, 1_577_836_800_000]
LABELS = ["", "red", "Red", "blue", "日本", "a b", "😀", "\uffee"]
_GREGORIAN_TICKS = 0x01B21DD213814000
#: Datasets share an index: each has its own ids and its own two projects.
_datasets = count(1)


@dataclass(frozen=True)
class Dataset:
    number: int
    types: list[AssetType]
    items: list[Item]

    @property
    def projects(self) -> tuple[str, str]:
        return f"p{self.number}", f"q{self.number}"

    def kinds(self, key: str) -> set[FieldType]:
        return {declared.fields[key].type for declared in self.types if key in declared.fields}

    def known_keys(self) -> list[str]:
        return [key for key in KEYS if self.kinds(key)]

    def documents(self) -> Iterator[tuple[int, IndexedDocument]]:
        """What is indexed, with the time that decides the bucket."""
        heads = {item.asset.id: item.asset for item in self.items if item.latest}
        for item in self.items:
            asset = item.asset
            if item.latest:
                yield asset.created_ms, head_document(asset, item.type, _source(asset))
            else:
                head, version = heads[asset.id], version_of(asset)
                source = orjson.dumps(version_json(head, version))
                yield asset.created_ms, superseded_document(head, version, item.type, source)


def _source(asset: Asset) -> bytes:
    return orjson.dumps(asset_json(asset))


def draw_dataset(draw: st.DrawFn, *, most_assets: int = 16) -> Dataset:
    names = ["clip", "Clip", "日本"][: draw(st.integers(1, 3))]
    dataset = Dataset(next(_datasets), [AssetType(name=name, version=1, fields=draw(_fields)) for name in names], [])
    for serial in range(most_assets - draw(st.integers(0, most_assets - 1))):
        dataset.items.extend(_draw_history(draw, dataset, serial))
    return dataset


_field = st.builds(Field, type=st.sampled_from(FieldType), array=st.booleans())
_fields = st.dictionaries(st.sampled_from(KEYS), _field, min_size=1)
_labels = st.sets(st.sampled_from(LABELS), max_size=3).map(lambda labels: tuple(sorted(labels)))
_external_ids = st.none() | values.strings


def _draw_history(draw: st.DrawFn, dataset: Dataset, serial: int) -> list[Item]:
    """One asset: superseded versions, then the head."""
    asset_type = pick(draw, dataset.types)
    asset_id = _asset_id(pick(draw, [7, 7, 7, 6, 1]), pick(draw, CREATED_MS), dataset.number, serial)
    head = Asset(
        id=asset_id,
        type=asset_type.name,
        type_version=1,
        project=pick(draw, dataset.projects),
        external_id=draw(_external_ids),
        name=draw(values.strings),
        metadata=_draw_metadata(draw, asset_type),
        labels=draw(_labels),
        version=1,
        revision=1,
        state=pick(draw, [State.ACTIVE] * 9 + [State.DELETED]),
        created_by="ann",
        updated_ms=pick(draw, UPDATED_MS),
        updated_by="ann",
        all_revision=1,
        change_id=uuid5(asset_id, "1"),
    )
    history = [head]
    for version in range(2, pick(draw, [1, 1, 1, 2, 3]) + 1):
        head = replace(
            head,
            name=draw(values.strings),
            metadata=_draw_metadata(draw, asset_type),
            labels=draw(_labels),
            version=version,
            revision=version,
        )
        history.append(head)
    return [Item(asset, asset_type, latest=asset is head) for asset in history]


def _draw_metadata(draw: st.DrawFn, asset_type: AssetType) -> dict[str, Value]:
    metadata: dict[str, Value] = {}
    for key, declared in asset_type.fields.items():
        one = values.of_kind[declared.type]
        if pick(draw, [True, True, True, False]):
            values_of_array = range(draw(st.integers(0, 3))) if declared.array else None
            metadata[key] = draw(one) if values_of_array is None else tuple(draw(one) for _ in values_of_array)
    return metadata


def _asset_id(version: int, created_ms: int, dataset: int, serial: int) -> UUID:
    """A time-UUID of that version whose order among those of its millisecond is not that of `serial`."""
    tail = (serial * 7 % 16) << 58 | dataset << 16 | serial
    ticks = _GREGORIAN_TICKS + created_ms * 10_000
    match version:
        case 7:
            time = created_ms << 80
        case 6:
            time = (ticks >> 12) << 80 | (ticks & 0xFFF) << 64
        case _:
            time = (ticks & 0xFFFFFFFF) << 96 | (ticks >> 32 & 0xFFFF) << 80 | (ticks >> 48) << 64
    return UUID(int=time | version << 76 | 0b10 << 62 | tail)
