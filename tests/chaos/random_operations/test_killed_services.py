"""The checks notice what a killed process leaves half done, if nothing finishes it."""

import random
import threading
from pathlib import Path

import pytest

from amp.adapters.embedded.asset_store import SqliteAssetStore
from amp.settings import load_settings
from tests.chaos.random_operations.environment import RandomEnvironment, served
from tests.chaos.random_operations.known import TYPE
from tests.chaos.random_operations.requests import RandomRequests, body_of

_NEVER = 1 << 30


@pytest.mark.parametrize("fatal", ["publish", "apply"])
def test_what_a_killed_process_left_is_finished(tmp_path: Path, fatal: str) -> None:
    assert violations_after_kill(tmp_path, fatal, settled_s=30) == []


def test_without_intents_a_kill_after_the_write_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SqliteAssetStore, "prepare", lambda *_: None)
    found = violations_after_kill(tmp_path, "publish", settled_s=2)
    assert any("search lacks" in violation for violation in found), found


def violations_after_kill(folder: Path, fatal: str, settled_s: float) -> list[str]:
    settings = load_settings(
        {"profile": "embedded", "data_dir": folder, "intent_grace_s": 0.5, "map_refresh_s": 0.5, "bucket_check_s": 1.0}
    )
    environment = RandomEnvironment(settings, settled_s=settled_s)
    requests = RandomRequests(
        environment.service.call, environment.request_log, environment.known, random.Random(fatal)
    )
    with served(environment):
        killing = threading.Thread(target=environment.service.kill, args=(_NEVER, fatal))
        killing.start()
        status = 201
        while status == 201:
            request = requests.request("create", requests.content(), name=("red", None))
            body = {"type": TYPE, "project": "red", **body_of(request.content)}
            answer = requests.send("POST", "/v1/assets", request.principal, json=body)
            requests.settle(request, answer)
            status = answer.status_code
        killing.join()
        return environment.violations()
