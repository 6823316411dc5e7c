"""The service, while everything goes wrong at once, keeps what it acknowledged and changes nothing it refused."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from amp.settings import load_settings
from tests.chaos.random_operations.environment import campaign
from tests.support.fault_campaign import operations

_SETTINGS = {
    "intent_grace_s": 0.5,
    "map_refresh_s": 0.5,
    "bucket_check_s": 1.0,
    "job_rate": 1e6,
    "move_rate": 1e6,
}
_CHECKPOINT = 10_000
_LONGEST_S = 600 + operations(0) // 10


@pytest.mark.timeout(_LONGEST_S)
def test_random_faults_lose_and_change_nothing_embedded(tmp_path: Path) -> None:
    settings = load_settings({**_SETTINGS, "profile": "embedded", "data_dir": tmp_path, "search_timeout_s": 1.0})
    assert_no_violations(campaign(settings, operations(3_000), _CHECKPOINT))


@pytest.mark.cluster
@pytest.mark.timeout(_LONGEST_S)
def test_random_faults_lose_and_change_nothing_on_servers(fresh_cluster_settings: Mapping[str, str]) -> None:
    by_field = {name.removeprefix("AMP_").lower(): value for name, value in fresh_cluster_settings.items()}
    settings = load_settings({**by_field, **_SETTINGS, "search_timeout_s": 3.0})
    assert_no_violations(campaign(settings, operations(500), _CHECKPOINT))


def assert_no_violations(found: list[str]) -> None:
    assert not found, f"{len(found)} violations:\n" + "\n".join(found[:40])
