"""The embedded profile, served by one process that is killed and started again on its data folder."""

import time
from pathlib import Path

from tests.support.consistency.compare import index_equals_store
from tests.support.consistency.stored_assets import Stored, lost_writes, stored_assets
from tests.support.fault_campaign import rng, tell
from tests.support.service.api_client import ApiClient
from tests.support.service.built import built
from tests.support.service.load import Load
from tests.support.service.processes import Service

_SETTLED_S = 30


def test_stored_data_survives_kills_and_restarts_of_the_server(tmp_path: Path) -> None:
    data = tmp_path / "data"
    service = Service(tmp_path / "service", {"AMP_PROFILE": "embedded", "AMP_DATA_DIR": str(data)})
    choices = rng("embedded")
    try:
        service.start()
        with ApiClient(service.url) as api_client:
            api_client.register_type()
        with Load(service.url, "embedded", clients=3, writes_per_s=60) as load:
            for end in (service.api.kill, service.api.kill_parent, service.api.stop, service.api.kill):
                load.run_for(choices.uniform(0.3, 1))
                end()
                service.start()
        deadline = time.monotonic() + _SETTLED_S
        while True:
            # Closed before the stop, which would give an open connection two more seconds.
            with ApiClient(service.url) as api_client:
                shown = list(api_client.search_all())
            service.stop()
            stored = stored_in(data)
            differences = index_equals_store(stored, shown)
            if not differences:
                break
            assert time.monotonic() < deadline, str(differences)
            service.start()
    finally:
        service.kill()
    assert load.ledger.surprises == []
    assert load.ledger.acknowledged
    assert lost_writes(stored, load.ledger.acknowledged) == []
    tell(f"embedded: {len(load.ledger.acknowledged)} acknowledged writes there, {load.ledger.unknown} unknown")


def stored_in(folder: Path) -> list[Stored]:
    """What the store in a data folder holds while nobody serves it."""
    with built({"profile": "embedded", "data_dir": folder}) as amp:
        return list(stored_assets(amp))
