"""The contract of the type registry, over every adapter."""

from functools import partial
from typing import Any

import pytest

from amp.domain.types import AssetType, Field, FieldType
from amp.ports.type_registry import TypeRegistry
from amp.profiles import Adapters
from tests.support.asset_samples import at_once, now_ms, unique


@pytest.fixture
def types(store_profile: Adapters) -> TypeRegistry:
    return store_profile.types


def a_type(name: str, version: int = 1, **values: Any) -> AssetType:
    base: dict[str, Any] = {"description": f"version {version}", "created_ms": now_ms(), "created_by": "ann"}
    return AssetType(name=name, version=version, **base | values)


def test_an_added_type_is_read_back_whole(types: TypeRegistry) -> None:
    fields = {
        "cameraId": Field(type=FieldType.LONG, required=True, minimum=-(2**63), maximum=2**63 - 1, unit="°"),
        "codec": Field(type=FieldType.STRING, enum=("h264", "ü"), description="how it's packed"),
        "ratio": Field(type=FieldType.DOUBLE, array=True, enum=(1.0, 1.85), minimum=0.5),
        "hdr": Field(type=FieldType.BOOLEAN, enum=(True,)),
        "shot": Field(type=FieldType.DATE, minimum="2026-01-01T00:00:00.000Z"),
        "notes": Field(type=FieldType.TEXT),
    }
    asset_type = a_type(unique("type"), fields=fields, description="“quoted”")
    assert types.add(asset_type)
    assert types.get(asset_type.name) == asset_type
    assert types.get(asset_type.name, 1) == asset_type
    found = types.get(asset_type.name)
    assert found is not None
    assert list(found.fields) == list(fields)


def test_versions_are_added_one_after_the_other(types: TypeRegistry) -> None:
    name = unique("type")
    versions = [a_type(name, n) for n in (1, 2, 3)]
    assert [types.add(version) for version in versions] == [True, True, True]
    assert types.get(name) == versions[2]
    assert [types.get(name, n) for n in (0, 1, 2, 3, 4)] == [None, *versions, None]


def test_a_version_that_is_not_the_next_is_not_added(types: TypeRegistry) -> None:
    name = unique("type")
    first = a_type(name)
    assert not types.add(a_type(name, 2))
    assert types.get(name) is None
    assert types.add(first)
    assert not types.add(a_type(name, 3))
    assert not types.add(a_type(name, 1, description="another"))
    assert types.get(name) == types.get(name, 1) == first


def test_an_unknown_type_is_none(types: TypeRegistry) -> None:
    assert types.get(unique("type")) is None
    assert types.get(unique("type"), 1) is None


def test_names_differ_by_case(types: TypeRegistry) -> None:
    name = unique("type")
    lower, upper = a_type(name), a_type(name.upper())
    assert types.add(lower)
    assert types.add(upper)
    assert types.get(name) == lower
    assert types.get(name.upper()) == upper


def test_the_newest_version_of_every_type_is_listed_by_name(types: TypeRegistry) -> None:
    names = [unique(letter) for letter in "mzAab"] + [unique("many") for _ in range(60)]
    for name in names:
        assert types.add(a_type(name))
    second = a_type(names[0], 2)
    assert types.add(second)
    types.add(a_type(unique("refused"), 7))

    listed = types.newest()

    ours = [asset_type for asset_type in listed if asset_type.name in set(names)]
    assert [asset_type.name for asset_type in ours] == sorted(names)
    assert second in ours
    assert [asset_type.name for asset_type in listed] == sorted({asset_type.name for asset_type in listed})
    assert all(asset_type.version >= 1 for asset_type in listed)


def test_a_fresh_registry_is_empty(fresh_store_profile: Adapters) -> None:
    assert fresh_store_profile.types.newest() == []


def test_of_many_concurrent_adders_of_one_version_exactly_one_adds_it(types: TypeRegistry) -> None:
    name = unique("type")
    for version in (1, 2):
        rivals = [a_type(name, version, created_by=f"rival {i}") for i in range(16)]
        added = at_once([partial(types.add, rival) for rival in rivals])
        assert added.count(True) == 1
        assert types.get(name, version) == rivals[added.index(True)]


def test_of_many_concurrent_adders_of_equal_versions_exactly_one_adds_it(types: TypeRegistry) -> None:
    same = a_type(unique("type"))
    assert at_once([partial(types.add, same)] * 12).count(True) == 1
