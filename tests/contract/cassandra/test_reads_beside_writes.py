"""Reads that others write beside: each shows the asset as it was at one moment."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from amp.adapters.cassandra.asset_store import CassandraAssetStore
from amp.adapters.cassandra.component import CassandraComponent
from amp.adapters.cassandra.job_log import CassandraJobLog
from amp.adapters.cassandra.session import CassandraSession, Mode, Request
from amp.domain.ids import mint_at
from amp.settings import load_settings
from tests.support.asset_samples import creation, head, now_ms, purge, recreation, shown, write
from tests.support.jobs.job_log import asset_job

pytestmark = pytest.mark.cluster

_DAY_MS = 86_400_000


class WatchedSession(CassandraSession):
    """Calls `between` once after the first plain read of several rows, before the caller can send another."""

    between: Callable[[], Any] | None = None

    def rows_of_many(self, requests: Sequence[Request], mode: Mode = Mode.PLAIN) -> list[list[Any]]:
        found = super().rows_of_many(requests, mode)
        if mode is Mode.PLAIN and self.between is not None:
            between, self.between = self.between, None
            between()
        return found


@pytest.fixture(scope="module")
def session(cluster_settings: dict[str, str]) -> Iterator[WatchedSession]:
    values = {name.removeprefix("AMP_").lower(): value for name, value in cluster_settings.items()}
    session = WatchedSession(load_settings(values))
    part = CassandraComponent(session)
    part.migrate()
    yield session
    part.close()


@pytest.mark.parametrize("settle", [False, True])
def test_an_asset_created_during_a_read_is_absent_or_whole(session: WatchedSession, settle: bool) -> None:
    store = CassandraAssetStore(session)
    create = creation(metadata={"cameraId": 7})
    session.between = lambda: write(store, create)
    assert store.heads([create.after.id], settle=settle) in ({}, {create.after.id: create.after})
    assert head(store, create.after.id) == create.after


def test_an_asset_purged_during_a_read_is_shown_before_or_after(session: WatchedSession) -> None:
    store = CassandraAssetStore(session)
    (before,) = write(store, creation())
    following = purge(before)
    session.between = lambda: write(store, following)
    assert shown(store.heads([before.id])[before.id]) in (before, shown(following.after))


def test_a_purged_asset_made_again_during_a_read_is_shown_before_or_after(session: WatchedSession) -> None:
    store = CassandraAssetStore(session)
    (asset,) = write(store, creation())
    (purged,) = write(store, purge(asset))
    following = recreation(purged)
    session.between = lambda: write(store, following)
    assert shown(store.heads([asset.id])[asset.id]) in (shown(purged), following.after)


def test_a_job_added_under_an_old_id_during_a_read_of_open_jobs_is_open(session: WatchedSession) -> None:
    """Its id was claimed by a request that died, days before the repeat of that request adds it."""
    jobs = CassandraJobLog(session)
    job = asset_job(id=mint_at(now_ms() - 3 * _DAY_MS))
    session.between = jobs.open
    jobs.add(job)
    assert job.id in {found.id for found in jobs.open()}


def test_an_id_that_was_listed_as_open_long_ago_without_a_job_is_dropped(session: WatchedSession) -> None:
    jobs, long_ago_ms = CassandraJobLog(session), now_ms() - 2 * _DAY_MS
    left, fresh = mint_at(long_ago_ms), mint_at(now_ms() - 2 * _DAY_MS)
    insert = "INSERT INTO {ks}.open_jobs (list, id) VALUES ('all', ?)"
    session.run(f"{insert} USING TIMESTAMP ?", (left, long_ago_ms * 1000))
    session.run(insert, (fresh,))
    jobs.open()
    listed = {row[0] for row in session.run("SELECT id FROM {ks}.open_jobs WHERE list = 'all'")}
    assert listed & {left, fresh} == {fresh}
