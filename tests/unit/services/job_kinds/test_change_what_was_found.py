"""A job changes what its search found only while it is still selected."""

from typing import Any

import pytest

from amp.domain.assets import State
from amp.domain.chunks import ItemOutcome, ItemResult
from amp.domain.jobs import Job
from amp.domain.selectors import Selector
from amp.domain.types import AssetType, Field, FieldType
from tests.unit.services.job_kinds.conftest import CHANGED, Environment, a_job, add_one, delete, set_camera

CAMERA = {"cameraId": Field(type=FieldType.LONG)}
NOT_SELECTED = ItemResult(ItemOutcome.SKIPPED, "it does not match the selector")


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
        assert environment.bulk_changes.run(job, [found, lags], set_camera) == {found: CHANGED, lags: NOT_SELECTED}
    assert environment.head(lags).metadata == {"cameraId": 7}


def test_a_deleted_asset_is_none_of_what_a_search_finds(environment: Environment) -> None:
    [gone] = environment.made(type="cut", metadata={"cameraId": 8})
    environment.others(gone, state=State.DELETED)
    assert environment.bulk_changes.run(searching(environment, "cameraId:8"), [gone], add_one) == {gone: NOT_SELECTED}


def test_a_change_that_lost_a_race_needs_the_winner_to_be_selected(
    environment: Environment,
) -> None:
    [asset_id] = environment.made(type="cut", labels=("night",), metadata={"cameraId": 8})
    environment.store.before = [lambda: environment.others(asset_id, labels=())]
    assert environment.bulk_changes.run(searching(environment, "labels:night"), [asset_id], delete) == {
        asset_id: NOT_SELECTED
    }
    assert environment.head(asset_id).state is State.ACTIVE


def test_a_repeat_counts_what_the_job_took_out_of_its_selection_as_changed(environment: Environment) -> None:
    [asset_id] = environment.made(type="cut", metadata={"cameraId": 8})
    job = searching(environment, "cameraId:8")
    for _ in range(2):
        assert environment.bulk_changes.run(job, [asset_id], set_camera) == {asset_id: CHANGED}
    assert environment.head(asset_id).revision == 2


def test_a_kind_of_field_that_came_after_the_types_were_read_counts(environment: Environment) -> None:
    job = searching(environment, "code:7")
    environment.types.add(AssetType(name="cut", version=2, fields={"code": Field(type=FieldType.STRING)}))
    select = environment.bulk_changes.selection.test(Selector(query="code:7"))
    environment.types.add(AssetType(name="still", version=1, fields={"code": Field(type=FieldType.LONG)}))
    [asset_id] = environment.made(type="still", type_version=1, metadata={"code": 7})
    assert select(environment.head(asset_id))
    assert environment.bulk_changes.run(job, [asset_id], delete) == {asset_id: CHANGED}
