"""The types a process knows: read again before anything is refused, and no more often than needed."""

from collections.abc import Iterator

import pytest

from amp.domain.limits import AssetLimits
from amp.domain.types import AssetType, Field, FieldType
from amp.errors import StoreUnavailable, Unprocessable
from amp.services.check_content import CheckContent
from amp.services.type_catalog import TypeCatalog


class Registry:
    """Counts how often it is read."""

    def __init__(self) -> None:
        self.types: dict[str, AssetType] = {}
        self.reads = 0
        self.down = False

    def register(self, name: str, **fields: Field) -> None:
        self.types[name] = AssetType(name=name, version=1, fields=fields)

    def newest(self) -> list[AssetType]:
        if self.down:
            raise StoreUnavailable
        self.reads += 1
        return list(self.types.values())

    def get(self, name: str, version: int | None = None) -> AssetType | None:
        return self.types.get(name) if version in (None, 1) else None

    def add(self, asset_type: AssetType) -> bool:
        raise NotImplementedError(asset_type)


class Clock:
    """Goes by a millisecond at each look, and further when told."""

    def __init__(self) -> None:
        self.at_s = 0.0

    def monotonic_s(self) -> float:
        self.at_s += 0.001
        return self.at_s

    def now_ms(self) -> int:
        return int(self.at_s * 1000)

    def sleep(self, seconds: float) -> None:
        self.at_s += seconds


@pytest.fixture
def registry() -> Iterator[Registry]:
    made = Registry()
    made.register("clip", codec=Field(type=FieldType.STRING))
    return made


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def catalog(registry: Registry, clock: Clock) -> TypeCatalog:
    return TypeCatalog(registry, clock, refresh_s=5.0)


def test_a_type_registered_elsewhere_is_known_before_anything_is_refused(
    registry: Registry, catalog: TypeCatalog
) -> None:
    checker = CheckContent(catalog, AssetLimits())
    checker.check("clip", "", {"codec": "av1"}, ())
    registry.register("still", width=Field(type=FieldType.LONG))
    assert checker.check("still", "", {"width": 5}, ()).metadata == {"width": 5}
    registry.register("clip", codec=Field(type=FieldType.STRING), camera=Field(type=FieldType.LONG))
    assert checker.check("clip", "", {"camera": 5}, ()).metadata == {"camera": 5}


def test_many_unknown_things_of_one_request_read_the_registry_once(
    registry: Registry, catalog: TypeCatalog, clock: Clock
) -> None:
    checker = CheckContent(catalog, AssetLimits())
    checker.check("clip", "", {}, ())
    before, began_s = registry.reads, clock.monotonic_s()
    for n in range(100):
        with pytest.raises(Unprocessable):
            checker.check(f"nope{n}", "", {}, (), began_s)
    assert registry.reads == before + 1


def test_while_the_registry_does_not_answer_what_is_known_goes_on_being_used(
    registry: Registry, catalog: TypeCatalog, clock: Clock
) -> None:
    assert catalog.known("clip") is not None
    registry.down = True
    clock.sleep(60)
    assert catalog.known("clip") is not None
    assert catalog.kinds("codec") == {FieldType.STRING}
    with pytest.raises(StoreUnavailable):
        CheckContent(catalog, AssetLimits()).check("nope", "", {}, (), clock.at_s - 1)
    with pytest.raises(StoreUnavailable):
        TypeCatalog(registry, clock, 5.0).known("clip")


def test_the_list_of_types_is_read_again_only_after_a_while(
    registry: Registry, catalog: TypeCatalog, clock: Clock
) -> None:
    for _ in range(50):
        catalog.known("clip")
    assert registry.reads == 1
    clock.sleep(6)
    catalog.known("clip")
    assert registry.reads == 2
