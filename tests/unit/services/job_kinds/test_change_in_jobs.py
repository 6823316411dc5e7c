"""A job changes each of its assets once, over whatever others do, however often it is told to."""

import contextlib
import dataclasses
import random
from collections.abc import Callable, Collection, Iterator, Sequence
from itertools import count
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from amp.adapters.embedded.asset_store import SqliteAssetStore
from amp.adapters.embedded.database import Database
from amp.adapters.embedded.intent_log import SqliteIntentLog
from amp.adapters.embedded.store_component import SqliteStoreComponent
from amp.adapters.embedded.type_registry import SqliteTypeRegistry
from amp.domain.assets import Asset, Change, State
from amp.domain.changes import Content, Stamp, deletion, purging, replacement
from amp.domain.chunks import ItemOutcome, ItemResult
from amp.domain.ids import mint_at
from amp.domain.jobs import Job
from amp.domain.limits import SearchLimits
from amp.domain.messages import Intent
from amp.domain.selectors import Selector, selector_json
from amp.domain.types import AssetType, Field, FieldType
from amp.errors import Fault, OutcomeUnknown, StoreUnavailable, Unprocessable
from amp.metrics import Metrics
from amp.ports import asset_store
from amp.ports.asset_store import CommitStatus
from amp.services.assets.edit import ATTEMPTS
from amp.services.job_kinds.bulk_changes import BulkChanges
from amp.services.jobs.head_selection import HeadSelection
from amp.services.jobs.processor import SKIP_MISSING
from amp.services.outbox.commit import ChangeCommitter
from amp.services.runtime.step_size import StepSize
from amp.services.search.resolve import QueryResolver
from amp.services.types.catalog import TypeCatalog
from tests.support.asset_samples import creation, now_ms, purge, recreation, step, write
from tests.support.clock import ManualClock

CHANGED, DONE = ItemResult(ItemOutcome.CHANGED), ItemResult(ItemOutcome.DONE)


class NoPublisher:
    """The relay would bring the events."""

    def publish(self, intents: Sequence[Intent]) -> None:
        pass


class Store(SqliteAssetStore):
    """Lets others in between, and loses answers."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        #: Runs before the next changes are applied; runs out.
        self.before: list[Callable[[], object]] = []
        #: What becomes of the next calls: 'lost' after the change, 'unsent' before it, 'down' without any of it.
        self.answers: list[str] = []
        self.applied_count = 0

    def apply(self, changes: Sequence[Change]) -> list[asset_store.CommitResult]:
        if self.before:
            self.before.pop(0)()
        answer = self.answers.pop(0) if self.answers else ""
        if answer == "down":
            raise StoreUnavailable
        self.applied_count += len(changes)
        outcomes = super().apply(changes) if answer != "unsent" else []
        return outcomes if not answer else [asset_store.CommitResult(CommitStatus.UNKNOWN)] * len(changes)


@dataclasses.dataclass
class Environment:
    store: Store
    changer: BulkChanges
    clock: ManualClock
    types: SqliteTypeRegistry

    def head(self, asset_id: UUID) -> Asset:
        return self.store.heads([asset_id])[asset_id]

    def others(self, asset_id: UUID, **values: Any) -> Asset:
        """What another caller makes of the asset."""
        before, answers = self.store.before, self.store.answers
        self.store.before, self.store.answers = [], []
        [after] = write(self.store, step(self.head(asset_id), **values))
        self.store.before, self.store.answers = before, answers
        return after

    def made(self, how_many: int = 1, **values: Any) -> list[UUID]:
        return [asset.id for asset in write(self.store, *[creation(**values) for _ in range(how_many)])]


@pytest.fixture
def environment(tmp_path: Path) -> Iterator[Environment]:
    with contextlib.closing(Database(tmp_path)) as database:
        SqliteStoreComponent(database).migrate()
        store, clock = Store(database), ManualClock(epoch_ms=now_ms())
        intents = SqliteIntentLog(database)
        committer = ChangeCommitter(
            store=store, intents=intents, publisher=NoPublisher(), clock=clock, metrics=Metrics(), intent_grace_s=5.0
        )  # type: ignore[arg-type]
        catalog = TypeCatalog(SqliteTypeRegistry(database), clock, 60)
        selection = HeadSelection(resolver=QueryResolver(catalog=catalog, limits=SearchLimits()), catalog=catalog)
        yield Environment(
            store,
            BulkChanges(store=store, committer=committer, selection=selection, clock=clock),
            clock,
            SqliteTypeRegistry(database),
        )


def a_job(selector: Selector | None = None, *, dry_run: bool = False) -> Job:
    parameters = {"selector": selector_json(selector or Selector()), "dry_run": dry_run}
    return Job(id=mint_at(now_ms()), kind="test", parameters=parameters, requested_by="olga")


def _content(before: Asset, **metadata: object) -> Content:
    return Content(
        name=before.name,
        metadata={**before.metadata, **metadata},  # type: ignore[dict-item]
        labels=before.labels,
        type_version=before.type_version,
    )


def set_camera(before: Asset, stamp: Stamp) -> Change | None:
    """None once it is so."""
    return replacement(before, _content(before, cameraId=9), stamp, 5)


def add_one(before: Asset, stamp: Stamp) -> Change | None:
    """Never done."""
    return replacement(before, _content(before, cameraId=before.metadata["cameraId"] + 1), stamp, 5)  # type: ignore[operator]


def delete(before: Asset, stamp: Stamp) -> Change | str | None:
    return "it is deleted" if before.state is State.DELETED else deletion(before, stamp)


def test_each_asset_is_changed_under_the_name_of_who_asked(environment: Environment) -> None:
    ids = environment.made(3)
    job = a_job()
    assert environment.changer.run(job, ids, set_camera) == dict.fromkeys(ids, CHANGED)
    for asset_id in ids:
        head = environment.head(asset_id)
        assert (head.revision, head.version, head.metadata["cameraId"], head.updated_by) == (2, 2, 9, "olga")
    assert environment.clock.now_s == 0


def test_one_that_needs_no_change_is_done(environment: Environment) -> None:
    [asset_id] = environment.made(metadata={"cameraId": 9})
    assert environment.changer.run(a_job(), [asset_id], set_camera) == {asset_id: DONE}
    assert environment.head(asset_id).revision == 1


@pytest.mark.parametrize("make", [set_camera, add_one, delete])
def test_told_again_it_changes_nothing_again_and_says_the_same(environment: Environment, make: Any) -> None:
    ids, job = environment.made(3), a_job()
    for _ in range(3):
        assert environment.changer.run(job, ids, make) == dict.fromkeys(ids, CHANGED)
        assert [environment.head(asset_id).revision for asset_id in ids] == [2, 2, 2]


@pytest.mark.parametrize("make", [set_camera, add_one, delete])
def test_told_again_after_others_changed_it_too_it_leaves_theirs_alone(environment: Environment, make: Any) -> None:
    [asset_id], job = environment.made(), a_job()
    environment.changer.run(job, [asset_id], make)
    theirs = environment.others(asset_id, metadata={"cameraId": 77}, state=State.ACTIVE)
    assert environment.changer.run(job, [asset_id], make) == {asset_id: CHANGED}
    assert environment.head(asset_id) == theirs


def test_two_jobs_each_change_it_once(environment: Environment) -> None:
    [asset_id] = environment.made()
    for job in (a_job(), a_job()):
        for _ in range(2):
            assert environment.changer.run(job, [asset_id], add_one) == {asset_id: CHANGED}
    assert environment.head(asset_id).metadata["cameraId"] == 9


@pytest.mark.parametrize("times", range(1, ATTEMPTS))
def test_a_change_that_lost_a_race_is_computed_again_over_the_winner(environment: Environment, times: int) -> None:
    [asset_id] = environment.made()
    steps = count(100)
    environment.store.before = [
        lambda: environment.others(asset_id, metadata={**environment.head(asset_id).metadata, "takes": next(steps)})
    ] * times
    assert environment.changer.run(a_job(), [asset_id], set_camera) == {asset_id: CHANGED}
    assert environment.head(asset_id).metadata == {"cameraId": 9, "takes": 99 + times}
    assert environment.head(asset_id).revision == 2 + times
    assert environment.clock.now_s > 0


def test_others_that_do_the_same_first_leave_nothing_to_do(environment: Environment) -> None:
    [asset_id] = environment.made()
    environment.store.before = [lambda: environment.others(asset_id, metadata={"cameraId": 9})]
    assert environment.changer.run(a_job(), [asset_id], set_camera) == {asset_id: DONE}


def test_an_asset_that_others_keep_changing_fails_alone(environment: Environment) -> None:
    asset_id, *rest = environment.made(4)
    environment.changer._step_size.note(1_000)  # so that they go together
    environment.store.before = [lambda: environment.others(asset_id)] * ATTEMPTS
    results = environment.changer.run(a_job(), [*rest, asset_id], set_camera)
    assert results.pop(asset_id) == ItemResult(ItemOutcome.FAILED, "other writers kept changing it")
    assert results == dict.fromkeys(rest, CHANGED)
    assert environment.head(asset_id).metadata["cameraId"] != 9
    assert environment.store.applied_count == 4 + 2 * ATTEMPTS + 4 - 1


@pytest.mark.parametrize("answer", ["lost", "unsent"])
@pytest.mark.parametrize("make", [set_camera, add_one, delete])
def test_a_change_whose_outcome_is_unknown_is_made_once_by_the_next_try(
    environment: Environment, make: Any, answer: str
) -> None:
    ids, job = environment.made(3), a_job()
    environment.store.answers = [answer]
    with pytest.raises(OutcomeUnknown):
        environment.changer.run(job, ids, make)
    assert environment.changer.run(job, ids, make) == dict.fromkeys(ids, CHANGED)
    assert [environment.head(asset_id).revision for asset_id in ids] == [2, 2, 2]


def test_a_change_of_unknown_outcome_counts_though_others_wrote_since(
    environment: Environment,
) -> None:
    [asset_id], job = environment.made(), a_job()
    environment.store.answers = ["lost"]
    with pytest.raises(OutcomeUnknown):
        environment.changer.run(job, [asset_id], add_one)
    theirs = environment.others(asset_id, metadata={"cameraId": 50})
    assert environment.changer.run(job, [asset_id], add_one) == {asset_id: CHANGED}
    assert environment.head(asset_id) == theirs


def test_a_store_that_is_down_is_an_error_and_nothing_is_changed(environment: Environment) -> None:
    [asset_id], job = environment.made(), a_job()
    environment.store.answers = ["down"]
    with pytest.raises(StoreUnavailable):
        environment.changer.run(job, [asset_id], add_one)
    assert environment.head(asset_id).revision == 1
    assert environment.changer.run(job, [asset_id], add_one) == {asset_id: CHANGED}


def test_a_dry_run_tells_what_would_become_of_each_and_changes_nothing(environment: Environment) -> None:
    [changes], [is_so], [gone] = environment.made(), environment.made(metadata={"cameraId": 9}), environment.made()
    environment.others(gone, state=State.DELETED)
    missing = mint_at(now_ms())

    def make(before: Asset, stamp: Stamp) -> Change | str | None:
        return "it is deleted" if before.state is State.DELETED else set_camera(before, stamp)

    before, job = environment.store.applied_count, a_job(dry_run=True)
    for _ in range(2):
        assert environment.changer.run(job, [changes, is_so, gone, missing], make) == {
            changes: CHANGED,
            is_so: DONE,
            gone: ItemResult(ItemOutcome.SKIPPED, "it is deleted"),
            missing: ItemResult(ItemOutcome.SKIPPED, SKIP_MISSING),
        }
    assert environment.store.applied_count == before
    assert environment.head(changes).revision == 1


def test_assets_that_are_missing_or_purged_are_skipped(environment: Environment) -> None:
    [purged], missing = environment.made(), mint_at(now_ms())
    write(environment.store, purge(environment.head(purged)))
    skipped = ItemResult(ItemOutcome.SKIPPED, SKIP_MISSING)
    assert environment.changer.run(a_job(), [purged, missing], add_one) == {purged: skipped, missing: skipped}


def test_an_asset_that_the_job_itself_purged_is_changed_and_not_missing(environment: Environment) -> None:
    [asset_id], job = environment.made(), a_job()
    for _ in range(2):
        assert environment.changer.run(job, [asset_id], purging) == {asset_id: CHANGED}
    assert environment.head(asset_id).revision == 2


def test_an_asset_that_is_not_covered_is_left_alone(environment: Environment) -> None:
    [mine], [other] = environment.made(type="movie"), environment.made(type="still")
    results = environment.changer.run(a_job(Selector(type="movie")), [mine, other], set_camera)
    assert results[mine] == CHANGED
    assert results[other].outcome is ItemOutcome.SKIPPED
    assert environment.head(other).revision == 1


def test_an_asset_made_anew_as_another_type_meanwhile_is_left_alone(environment: Environment) -> None:
    [asset_id] = environment.made(type="movie")

    def purge_and_make_anew() -> None:
        environment.store.before = []
        [purged] = write(environment.store, purge(environment.head(asset_id)))
        write(environment.store, recreation(purged, type="still"))

    environment.store.before = [purge_and_make_anew]
    [result] = environment.changer.run(a_job(Selector(type="movie")), [asset_id], set_camera).values()
    assert result.outcome is ItemOutcome.SKIPPED
    assert environment.head(asset_id).metadata["cameraId"] == 8


CAMERA = {"cameraId": Field(type=FieldType.LONG)}
NOT_SELECTED = ItemResult(ItemOutcome.SKIPPED, "it is not among those selected")


def searching(environment: Environment, query: str, **values: Any) -> Job:
    """A job for what a search found, whose index may lag behind."""
    environment.types.add(AssetType(name="cut", version=1, fields=CAMERA))
    return a_job(Selector(query=query), **values)


@pytest.mark.parametrize("query", ["labels:night", "cameraId:8", "cameraId:>7 market", "name:Night* NOT labels:day"])
def test_what_a_search_found_is_left_alone_when_its_head_is_none_of_it(environment: Environment, query: str) -> None:
    is_so = {"type": "cut", "name": "Night Market", "labels": ("night",), "metadata": {"cameraId": 8}}
    [found], [lags] = environment.made(**is_so), environment.made(**is_so)
    environment.others(lags, name="Sun", labels=("day",), metadata={"cameraId": 7})
    for dry_run in (True, False):
        job = searching(environment, query, dry_run=dry_run)
        assert environment.changer.run(job, [found, lags], set_camera) == {found: CHANGED, lags: NOT_SELECTED}
    assert environment.head(lags).metadata == {"cameraId": 7}


def test_a_deleted_asset_is_none_of_what_a_search_finds(environment: Environment) -> None:
    [gone] = environment.made(type="cut", metadata={"cameraId": 8})
    environment.others(gone, state=State.DELETED)
    assert environment.changer.run(searching(environment, "cameraId:8"), [gone], add_one) == {gone: NOT_SELECTED}


def test_a_change_that_lost_a_race_needs_the_winner_to_be_selected(
    environment: Environment,
) -> None:
    [asset_id] = environment.made(type="cut", labels=("night",), metadata={"cameraId": 8})
    environment.store.before = [lambda: environment.others(asset_id, labels=())]
    assert environment.changer.run(searching(environment, "labels:night"), [asset_id], delete) == {
        asset_id: NOT_SELECTED
    }
    assert environment.head(asset_id).state is State.ACTIVE


def test_a_repeat_counts_what_the_job_took_out_of_its_selection_as_changed(environment: Environment) -> None:
    [asset_id] = environment.made(type="cut", metadata={"cameraId": 8})
    job = searching(environment, "cameraId:8")
    for _ in range(2):
        assert environment.changer.run(job, [asset_id], set_camera) == {asset_id: CHANGED}
    assert environment.head(asset_id).revision == 2


def test_a_kind_of_field_that_came_after_the_types_were_read_counts(environment: Environment) -> None:
    job = searching(environment, "code:7")
    environment.types.add(AssetType(name="cut", version=2, fields={"code": Field(type=FieldType.STRING)}))
    select = environment.changer.selection.test(Selector(query="code:7"))
    environment.types.add(AssetType(name="still", version=1, fields={"code": Field(type=FieldType.LONG)}))
    [asset_id] = environment.made(type="still", type_version=1, metadata={"code": 7})
    assert select(environment.head(asset_id))
    assert environment.changer.run(job, [asset_id], delete) == {asset_id: CHANGED}


def refuse(_: Asset, __: Stamp) -> Change | str | None:
    raise Unprocessable("it does not fit", [Fault(f"/metadata/{n}", f"is wrong {n}") for n in range(9)])


def test_an_asset_that_cannot_be_changed_fails_alone_with_the_reason(
    environment: Environment,
) -> None:
    bad, *good = environment.made(3)

    def make(before: Asset, stamp: Stamp) -> Change | str | None:
        return refuse(before, stamp) if before.id == bad else set_camera(before, stamp)

    results = environment.changer.run(a_job(), [bad, *good], make)
    failure = results.pop(bad)
    assert results == dict.fromkeys(good, CHANGED)
    assert failure.outcome is ItemOutcome.FAILED
    assert failure.note.startswith("it does not fit: /metadata/0: is wrong 0; /metadata/1: is wrong 1")
    assert "wrong 5" not in failure.note


def test_a_changed_asset_that_would_not_fit_any_more_counts_as_changed(
    environment: Environment,
) -> None:
    [asset_id], job = environment.made(), a_job()
    environment.changer.run(job, [asset_id], set_camera)
    assert environment.changer.run(job, [asset_id], refuse) == {asset_id: CHANGED}


def test_of_nothing_becomes_nothing(environment: Environment) -> None:
    assert environment.changer.run(a_job(), [], add_one) == {}


def test_whatever_happens_in_between_each_change_is_made_once(environment: Environment) -> None:
    seed = random.randrange(1 << 30)
    chance = random.Random(seed)
    ids, job = environment.made(10, metadata={"cameraId": 0, "theirs": 0}), a_job()
    results: dict[UUID, ItemResult] = {}
    theirs = dict.fromkeys(ids, 0)

    def another() -> None:
        asset_id = chance.choice(ids)
        metadata = environment.head(asset_id).metadata
        environment.others(asset_id, metadata={**metadata, "theirs": theirs[asset_id] + 1}, change_id=uuid4())
        theirs[asset_id] += 1

    for _ in range(40):
        some = chance.sample(ids, chance.randrange(1, 6))
        if chance.random() < 0.3:
            another()
        environment.store.before = [another] * chance.randrange(3)
        environment.store.answers = chance.choices(["", "lost", "unsent", "down"], [4, 1, 1, 1], k=2)
        with contextlib.suppress(OutcomeUnknown, StoreUnavailable):
            results |= environment.changer.run(job, some, add_one)
        environment.store.before, environment.store.answers = [], []
    results |= environment.changer.run(job, ids, add_one)
    assert results == dict.fromkeys(ids, CHANGED), f"seed {seed}"
    for asset_id in ids:
        assert environment.head(asset_id).metadata == {"cameraId": 1, "theirs": theirs[asset_id]}, f"seed {seed}"


def test_large_assets_are_changed_some_at_a_time(environment: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(vars(environment.changer), "_step_size", StepSize(100_000))
    ids = environment.made(24, metadata={"cameraId": 1, "notes": "x" * 10_000})
    heads, read = environment.store.heads, []

    def read_heads(some: Collection[UUID], *, settle: bool = False) -> dict[UUID, Asset]:
        read.append(len(some))
        return heads(some, settle=settle)

    monkeypatch.setattr(environment.store, "heads", read_heads)
    results = environment.changer.run(a_job(), ids, set_camera)
    assert results == dict.fromkeys(ids, ItemResult(ItemOutcome.CHANGED))
    assert max(read) <= 3
