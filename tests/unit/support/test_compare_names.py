"""The checker of the fault tests: a name that leads to another asset, or to two, does not pass it."""

from typing import Any

from amp.domain.assets import Asset, asset_json
from tests.support.asset_samples import new_asset
from tests.support.consistency.compare import misled_names
from tests.support.consistency.stored_assets import Stored


def answers(*assets: Asset) -> list[dict[str, Any]]:
    return [asset_json(asset) for asset in assets]


def test_a_name_that_leads_elsewhere_is_reported() -> None:
    asset, plain = new_asset(project="p", external_id="e"), new_asset()
    stored = [Stored(asset, {}), Stored(plain, {})]
    assert misled_names(stored, lambda *_: answers(asset)) == []
    for wrong in (answers(), answers(plain), answers(asset, asset), answers(new_asset(id=asset.id, project="q"))):
        assert len(misled_names(stored, lambda *_, given=wrong: given)) == 1


def test_two_assets_of_one_name_are_reported() -> None:
    twins = [new_asset(project="p", external_id="e") for _ in range(2)]
    assert "is borne by" in misled_names([Stored(twin, {}) for twin in twins], lambda *_: answers(twins[0]))[0]
