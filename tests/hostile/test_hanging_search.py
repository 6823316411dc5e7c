"""A search index that hangs holds up searches and writes that wait for it, in bounded number, and nothing else."""

import dataclasses
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from amp.bootstrap import Amp
from amp.errors import SearchUnavailable
from tests.hostile.clients import Target
from tests.hostile.conftest import Serve
from tests.support.service.built import running
from tests.support.stack.waiting import wait_until

pytestmark = pytest.mark.alone
_THREADS = 3
_HUNG = 20


class _Hanging:
    """Stands for every service that asks the search index."""

    def __init__(self) -> None:
        self.end = threading.Event()

    def search(self, *_: Any) -> Any:
        self.end.wait(30)
        raise SearchUnavailable

    def wait(self, *_: Any) -> bool:
        self.end.wait(30)
        return False


@pytest.fixture
def hanging() -> Iterator[_Hanging]:
    found = _Hanging()
    yield found
    found.end.set()


@pytest.fixture
def target(tmp_path: Path, hanging: _Hanging, serve: Serve) -> Iterator[Target]:
    settings = {
        "data_dir": tmp_path,
        "search_threads": _THREADS,
        "waiting_threads": _THREADS,
        "queue_timeout_s": 0.3,
    }
    stand_ins: dict[str, Any] = {"assets": hanging, "visibility": hanging}
    with running(settings) as amp:
        broken: Amp = dataclasses.replace(amp, search=dataclasses.replace(amp.search, **stand_ins))
        with serve(broken) as found:
            yield found
            hanging.end.set()


def test_reads_writes_and_health_go_on_while_searches_hang(target: Target, hanging: _Hanging) -> None:
    with httpx.Client(base_url=target.url, timeout=40) as client, ThreadPoolExecutor(2 * _HUNG) as pool:
        client.post("/v1/types", json={"name": "clip", "fields": {}}).raise_for_status()

        def search() -> httpx.Response:
            return httpx.get(f"{target.url}/v1/search", params={"q": "x"}, timeout=40)

        def write() -> httpx.Response:
            # As clients may encode it.
            return httpx.post(f"{target.url}/v1/assets?wait%5Ffor=searchable", json={"type": "clip"}, timeout=40)

        asked = [pool.submit(call) for call in [search, write] * _HUNG]
        for _ in range(20):
            began = time.monotonic()
            made = client.post("/v1/assets", json={"type": "clip"}).raise_for_status()
            client.get(made.headers["Location"]).raise_for_status()
            assert target.healthz_s() < 1
            assert time.monotonic() - began < 2
        surplus = 2 * (_HUNG - _THREADS)
        wait_until(lambda: sum(future.done() for future in asked) == surplus, 30, "what is too much to be refused")
        hanging.end.set()
        answers = [future.result() for future in asked]

    refused = [a for a in answers if a.headers["content-type"] == "application/problem+json" and "overloaded" in a.text]
    # Three of each kind hung; all others were refused in time, and nothing was written for them.
    assert len(refused) == surplus
    assert {(a.status_code, a.headers["retry-after"]) for a in refused} == {(503, "1")}
    assert sum(a.status_code == 201 for a in answers) == _THREADS
