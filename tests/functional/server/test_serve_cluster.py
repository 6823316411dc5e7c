"""The processes of the cluster profile: what `amp migrate`, `amp serve` and `amp worker` make of real servers."""

import os
import signal
import subprocess
from pathlib import Path

import httpx
import pytest

from tests.support.service.amp_command import AMP, amp_command, printed_json, server_process, spawned
from tests.support.stack.waiting import wait_until

pytestmark = pytest.mark.cluster

_DEADLINE_S = 60.0


@pytest.mark.timeout(300)
def test_migrate_serve_and_worker_are_the_whole_service(
    unmade_cluster_settings: dict[str, str], tmp_path: Path
) -> None:
    env = {**unmade_cluster_settings, "AMP_PORT": "0", "AMP_PROCESSES": "2"}
    refused = subprocess.run(
        [*AMP, "serve"], env=os.environ | env, capture_output=True, text=True, timeout=_DEADLINE_S, check=False
    )
    assert (refused.returncode, "run `amp migrate`" in refused.stderr) == (1, True)

    assert printed_json(amp_command("migrate", "--json", env=env))["steps"]
    assert printed_json(amp_command("migrate", "--dry-run", "--json", env=env))["steps"] == []

    log = tmp_path / "log"
    with (
        server_process(env, log) as server,
        log.open("a") as stderr,
        spawned([*AMP, "worker", "all"], env=os.environ | env, stderr=stderr) as worker,
    ):
        assert "(cluster profile)" in server.banner
        with httpx.Client(base_url=server.url, timeout=_DEADLINE_S) as http:
            clip = {"name": "clip", "fields": {"cameraId": {"type": "long"}}}
            http.post("/v1/types", json=clip).raise_for_status()
            url = "/v1/assets?wait_for=searchable&timeout=60s"
            made = http.post(url, json={"type": "clip", "metadata": {"cameraId": 5}})
            assert (made.status_code, made.headers.get("AMP-Searchable")) == (201, None)
            found = http.get("/v1/search", params={"q": "cameraId:5"}).json()["items"]
            assert [item["id"] for item in found] == [made.json()["id"]]
        _wait_until_metrics_count_every_process(server.url)
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(_DEADLINE_S) == 0
        assert server.stop(signal.SIGTERM) == 0
    assert "Traceback" not in log.read_text()


@pytest.mark.parametrize("kind", ["index", "relay"])
def test_a_worker_process_stops_on_a_signal(cluster_settings: dict[str, str], kind: str) -> None:
    amp_command("migrate", env=cluster_settings)
    for command in ([*AMP, "worker", kind], [AMP[0], "-m", f"workers.{kind}"]):
        with spawned(command, env=os.environ | cluster_settings, stderr=subprocess.STDOUT) as process:
            assert process.stdout is not None
            line = ""
            while '"workers_started"' not in line:
                line = process.stdout.readline()
                assert line, "the worker ended"
            process.send_signal(signal.SIGTERM)
            assert process.wait(_DEADLINE_S) == 0


def test_an_unknown_kind_of_worker_is_refused_with_those_there_are(cluster_settings: dict[str, str]) -> None:
    command = [*AMP, "worker", "cook"]
    ended = subprocess.run(
        command, env=os.environ | cluster_settings, capture_output=True, text=True, timeout=_DEADLINE_S, check=False
    )
    assert ended.returncode == 1
    assert "cook is not a kind of worker; use index, relay" in ended.stderr


def _wait_until_metrics_count_every_process(url: str) -> None:
    """Each process adds its own request to a sum that all of them show."""
    before = _health_requests(url)
    for asked in range(1, 21):
        # A new connection each time, so that both processes get some.
        assert httpx.get(f"{url}/healthz").status_code == 200
        wait_until(lambda asked=asked: _health_requests(url) == before + asked, _DEADLINE_S, "every process's metrics")


def _health_requests(url: str) -> float:
    lines = httpx.get(f"{url}/metrics").text.splitlines()
    counts = [line for line in lines if line.startswith("amp_http_requests_total{") and 'route="/healthz"' in line]
    return sum(float(line.split()[-1]) for line in counts)
