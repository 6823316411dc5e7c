"""A repeat with an idempotency key is answered although the first version of its asset is no longer kept."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from amp.api.app import create_app
from amp.bootstrap import Amp
from tests.support.service.built import built
from tests.support.service.rest import Rest


@pytest.fixture(params=["embedded", pytest.param("cluster", marks=pytest.mark.cluster)])
def forgetful(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Amp]:
    """It keeps one version of each asset."""
    own = {"data_dir": tmp_path}
    settings = own if request.param == "embedded" else request.getfixturevalue("fresh_cluster_settings")
    with built({"versions_kept": "1", **settings}) as amp:
        yield amp


def test_a_repeat_after_the_first_version_was_dropped_gets_the_asset(forgetful: Amp) -> None:
    rest = Rest(create_app(forgetful))
    kind, key = rest.new_type(), {"Idempotency-Key": "once"}
    body = {"type": kind, "name": "first", "external_id": "mine"}
    made = rest.post("/v1/assets", json=body, headers=key)
    place = made.headers["Location"]
    changed = rest.patch(place, json={"name": "second"})
    assert rest.get(f"{place}/versions/1").status_code == 404
    again = rest.post("/v1/assets", json=body, headers=key)
    assert again.status_code == 201, again.text
    assert again.headers["Location"] == place
    assert again.get_json() == changed.get_json()
    bulk = {"Idempotency-Key": "many"}
    item = {"type": kind, "name": "first of many"}
    [first] = rest.post("/v1/assets/bulk", json=[item], headers=bulk).get_json()["items"]
    rest.patch(f"/v1/assets/{first['id']}", json={"name": "second"})
    [repeated] = rest.post("/v1/assets/bulk", json=[item], headers=bulk).get_json()["items"]
    assert (repeated["status"], repeated["id"], repeated["revision"]) == (201, first["id"], 2)
