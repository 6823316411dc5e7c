"""Services whose buckets a test looks after by hand."""

import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from amp.domain.buckets import Bucket, BucketMap
from amp.domain.changes import Draft
from amp.domain.principals import BUCKET_WORKER, Principal
from amp.services.assets.creation import CreateRequest
from tests.support.service.wired import Wired, wired

PRINCIPAL = Principal("tester")
FIRST = "19700101000000"


@pytest.fixture
def settings(tmp_path: Path) -> dict[str, object]:
    return {"data_dir": tmp_path, "search_timeout_s": "0.1"}


@pytest.fixture
def environment(settings: dict[str, object]) -> Iterator[Wired]:
    with wired(settings) as found:
        yield found


@pytest.fixture(params=["embedded", pytest.param("cluster", marks=pytest.mark.cluster)])
def either(request: pytest.FixtureRequest) -> Iterator[Wired]:
    """In either profile: for what depends on the search index; to make a namespace on the servers takes a while."""
    if request.param == "embedded":
        yield request.getfixturevalue("environment")
    else:
        with wired({"search_timeout_s": "1", **request.getfixturevalue("fresh_cluster_settings")}) as found:
            yield found


def bucket_map(environment: Wired) -> BucketMap:
    found = environment.amp.adapters.buckets.load()
    assert found is not None
    return found


def newest(environment: Wired) -> Bucket:
    return bucket_map(environment).buckets[-1]


def indexed(environment: Wired, count: int = 1) -> list[str]:
    """New assets that searches see."""
    assets = [environment.create(f"clip {i}") for i in range(count)]
    environment.index(*environment.events(count))
    return [str(asset.id) for asset in assets]


def found(environment: Wired, *, heal: bool = False) -> list[tuple[str, str, bool]]:
    return [
        (f.index, f.problem, f.healed) for f in environment.amp.buckets.reconciliation.run(BUCKET_WORKER, heal=heal)
    ]


def moved(environment: Wired) -> None:
    """The recorded move, made to its end."""
    assert environment.amp.moves.runner.advance(threading.Event())
    assert bucket_map(environment).move is None


def imported(environment: Wired, created_s: Sequence[int]) -> None:
    """Assets created then, which searches see."""
    for at_s in created_s:
        draft = Draft(type="clip", created_ms=at_s * 1000, metadata={})
        environment.mine.add(environment.amp.assets.creation.create(CreateRequest(draft), PRINCIPAL).id)
    environment.index(*environment.events(len(created_s)))
