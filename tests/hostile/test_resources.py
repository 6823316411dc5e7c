"""No request costs more memory or processor time than its size and its accepted items allow."""

import os
import pickle
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hostile.resource_requests import Cost, Request, known_requests, random_request
from tests.hostile.sizes import count, seeded

MIB = 1024 * 1024
MEMORY_BYTES, MEMORY_FACTOR = 64 * MIB, 8
CPU_S, CPU_S_PER_ITEM = 0.5, 0.001
_MEASUREMENTS = 5
pytestmark = [
    pytest.mark.alone,
    pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="needs Linux to measure memory"),
]


class Meter:
    """A process that answers requests and tells what each cost."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "tests.hostile.resource_meter"]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("AMP_")}
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, cwd=Path(__file__).parents[2]
        )
        self._receive()

    def cost(self, request: Request) -> Cost:
        assert self._process.stdin is not None
        pickle.dump(request, self._process.stdin)
        self._process.stdin.flush()
        found = self._receive()
        assert isinstance(found, Cost)
        return found

    def close(self) -> None:
        self._process.communicate(pickle.dumps(None), timeout=30)

    def _receive(self) -> object:
        assert self._process.stdout is not None
        return pickle.load(self._process.stdout)


@pytest.fixture(scope="module")
def meter() -> Iterator[Meter]:
    made = Meter()
    yield made
    made.close()


@pytest.mark.parametrize("request_", known_requests(), ids=lambda request: request.name)
def test_what_once_cost_much_stays_within_the_bound(meter: Meter, request_: Request) -> None:
    check(meter, request_)


@pytest.mark.timeout(3_600)  # as a campaign
def test_random_requests_stay_within_the_bound(meter: Meter) -> None:
    rng = seeded()
    for _ in range(count(fixed=30, campaign=600)):
        check(meter, random_request(rng))


def check(meter: Meter, request: Request) -> None:
    # Other processes slow this one down, so the least of several measurements is nearest to the cost.
    for _ in range(_MEASUREMENTS):
        cost = meter.cost(request)
        if not _excess(request, cost):
            break
    assert not _excess(request, cost), f"{request.name}: {_excess(request, cost)}; {cost}"
    assert cost.status < 500, f"{request.name}: {cost}"


def _excess(request: Request, cost: Cost) -> str:
    memory_bytes = MEMORY_BYTES + MEMORY_FACTOR * len(request.body)
    cpu_s = CPU_S + CPU_S_PER_ITEM * cost.accepted
    found = []
    if cost.memory_bytes > memory_bytes:
        found.append(f"{cost.memory_bytes / MIB:.0f} MiB, allowed are {memory_bytes / MIB:.0f}")
    if cost.cpu_s > cpu_s:
        found.append(f"{cost.cpu_s:.2f} s, allowed are {cpu_s:.2f}")
    return "; ".join(found)
