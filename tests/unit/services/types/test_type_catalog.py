"""The types a process knows: read again before anything is refused, and no more often than needed."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Event

import pytest

from amp.adapters.clock import SystemClock
from amp.domain.limits import AssetLimits, SearchLimits
from amp.domain.types import AssetType, Field, FieldType
from amp.errors import BadQuery, StoreUnavailable, Unprocessable
from amp.services.assets.content import ContentValidation
from amp.services.search.query_text import parse_query_text
from amp.services.search.resolve import QueryResolver
from amp.services.types.catalog import TypeCatalog
from tests.support.clock import ManualClock
from tests.support.stack.waiting import wait_until


class Registry:
    """Counts how often it is read."""

    def __init__(self) -> None:
        self.types: dict[str, AssetType] = {}
        self.reads = 0
        self.failures = 0
        self.down = False
        self.takes_s = 0.0
        self.clock: ManualClock | None = None
        self.fails_when: Callable[[], bool] = lambda: True
        self.reading, self.proceed = Event(), Event()
        self.proceed.set()

    def register(self, name: str, **fields: Field) -> None:
        self.types[name] = AssetType(name=name, version=1, fields=fields)

    def newest(self) -> list[AssetType]:
        if self.down:
            self.failures += 1
            wait_until(self.fails_when, 30, "the time to fail")
            raise StoreUnavailable
        self.reads += 1
        found = list(self.types.values())
        if self.clock is not None:
            self.clock.sleep(self.takes_s)
        self.reading.set()
        assert self.proceed.wait(10)
        return found

    def get(self, name: str, version: int | None = None) -> AssetType | None:
        return self.types.get(name) if version in (None, 1) else None

    def add(self, asset_type: AssetType) -> bool:
        raise NotImplementedError(asset_type)


class AskedClock(SystemClock):
    """Counts how often it is asked."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[None] = []

    def monotonic_s(self) -> float:
        self.asked.append(None)
        return super().monotonic_s()


@pytest.fixture
def registry() -> Iterator[Registry]:
    made = Registry()
    made.register("clip", codec=Field(type=FieldType.STRING))
    return made


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(tick_s=0.001)


@pytest.fixture
def catalog(registry: Registry, clock: ManualClock) -> TypeCatalog:
    registry.clock = clock
    return TypeCatalog(registry, clock, refresh_s=5.0)


def test_a_type_registered_elsewhere_is_known_before_anything_is_refused(
    registry: Registry, catalog: TypeCatalog
) -> None:
    content_validation = ContentValidation(catalog=catalog, limits=AssetLimits())
    content_validation.check("clip", "", {"codec": "av1"}, ())
    registry.register("still", width=Field(type=FieldType.LONG))
    assert content_validation.check("still", "", {"width": 5}, ()).metadata == {"width": 5}
    registry.register("clip", codec=Field(type=FieldType.STRING), camera=Field(type=FieldType.LONG))
    assert content_validation.check("clip", "", {"camera": 5}, ()).metadata == {"camera": 5}


def test_many_unknown_things_of_one_request_read_the_registry_once(
    registry: Registry, catalog: TypeCatalog, clock: ManualClock
) -> None:
    content_validation = ContentValidation(catalog=catalog, limits=AssetLimits())
    content_validation.check("clip", "", {}, ())
    before, began_s = registry.reads, clock.monotonic_s()
    for n in range(100):
        with pytest.raises(Unprocessable):
            content_validation.check(f"nope{n}", "", {}, (), began_s)
    assert registry.reads == before + 1


def test_known_types_stay_in_use_while_the_registry_is_silent(
    registry: Registry, catalog: TypeCatalog, clock: ManualClock
) -> None:
    assert catalog.known("clip") is not None
    registry.down = True
    clock.sleep(60)
    assert catalog.known("clip") is not None
    assert catalog.kinds("codec") == {FieldType.STRING}
    with pytest.raises(StoreUnavailable):
        ContentValidation(catalog=catalog, limits=AssetLimits()).check("nope", "", {}, (), clock.now_s - 1)
    with pytest.raises(StoreUnavailable):
        TypeCatalog(registry, clock, 5.0).known("clip")


def test_the_list_of_types_is_read_again_only_after_a_while(
    registry: Registry, catalog: TypeCatalog, clock: ManualClock
) -> None:
    for _ in range(50):
        catalog.known("clip")
    assert registry.reads == 1
    clock.sleep(6)
    catalog.known("clip")
    assert registry.reads == 2


def test_refused_requests_read_a_large_registry_a_part_of_the_time_only(
    registry: Registry, catalog: TypeCatalog, clock: ManualClock
) -> None:
    catalog.known("clip")
    registry.takes_s = 0.05
    before, began_s = registry.reads, clock.now_s
    while clock.now_s < began_s + 10:
        assert not catalog.kinds("nope")
    assert registry.reads - before <= 45


def test_a_request_of_many_unknown_keys_reads_the_registry_once(registry: Registry, catalog: TypeCatalog) -> None:
    resolver = QueryResolver(catalog=catalog, limits=SearchLimits())
    catalog.known("clip")
    before, since_s = registry.reads, catalog.now_s()
    text = " AND ".join(f"metadata.nope{n}:1" for n in range(20))
    query, words = parse_query_text(text, partial(catalog.kinds, since_s=since_s))
    with pytest.raises(BadQuery):
        resolver.resolve(query, words, since_s=since_s)
    assert registry.reads == before + 1


def test_requests_at_the_same_time_share_one_read_that_began_after_them(registry: Registry) -> None:
    catalog = TypeCatalog(registry, SystemClock(), 60.0)
    catalog.known("clip")
    reads, registry.proceed, registry.reading = registry.reads, Event(), Event()
    with ThreadPoolExecutor(9) as pool:
        first = pool.submit(catalog.kinds, "lens")
        assert registry.reading.wait(10)
        since_s = catalog.now_s()
        # The types of the read under way are listed already.
        registry.register("still", lens=Field(type=FieldType.STRING))
        later = [pool.submit(catalog.kinds, "lens", since_s) for _ in range(8)]
        registry.proceed.set()
        assert not first.result(10)
        assert {each.result(10) for each in later} == {frozenset({FieldType.STRING})}
    assert registry.reads == reads + 2


def test_requests_that_wait_for_a_failing_registry_fail_together(registry: Registry) -> None:
    catalog = TypeCatalog(registry, SystemClock(), 60.0)
    catalog.known("clip")
    registry.down, since_s = True, catalog.now_s()
    for _ in range(5):
        with pytest.raises(StoreUnavailable):
            catalog.kinds("nope", since_s)
    assert registry.failures == 1


@pytest.mark.parametrize("ask", [lambda c: c.known("clip"), lambda c: c.names(), lambda c: c.kinds("codec")])
def test_threads_that_know_no_type_fail_together_while_the_registry_hangs(
    registry: Registry, ask: Callable[[TypeCatalog], object]
) -> None:
    catalog = catalog_that_fails_once_all_ask(registry, 8)
    assert all(in_threads(8, lambda: ask(catalog)))
    assert registry.failures == 1


def test_threads_that_need_a_fresh_read_fail_together_if_the_read_hangs(registry: Registry) -> None:
    catalog = catalog_that_fails_once_all_ask(registry, 8)
    assert all(in_threads(8, catalog.refresh))
    assert registry.failures <= 2, "the read under way, and one that began after they asked"


def catalog_that_fails_once_all_ask(registry: Registry, threads: int) -> TypeCatalog:
    """Each thread asks what time it is before it asks for types, and the one that reads asks once more."""
    clock = AskedClock()
    registry.down, registry.fails_when = True, lambda: len(clock.asked) > threads
    return TypeCatalog(registry, clock, 60.0)


def in_threads(count: int, ask: Callable[[], object]) -> list[bool]:
    """Whether the store was unavailable to each."""

    def is_unavailable(_: int) -> bool:
        try:
            ask()
        except StoreUnavailable:
            return True
        return False

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(is_unavailable, range(count)))
