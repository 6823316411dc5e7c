"""`make bench`: prints every figure beside its bound; exits 1 when one is not kept."""

import os
import sys
from collections.abc import Iterator

from amp.logs import configure_logging
from amp.worker import spare_collector
from tests.bench import cluster, embedded, jobs, moves, routing
from tests.bench.figures import Figure, show


def _measure(parts: set[str]) -> Iterator[Figure]:
    if "routing" in parts:
        yield routing.measure()
    if "embedded" in parts:
        yield from embedded.measure(int(os.environ.get("AMP_BENCH_ASSETS", "100000")))
    if "cluster" in parts:
        spare_collector()  # as a worker process does; it serves the bare client as well
        yield from cluster.measure()
    if "moves" in parts:
        yield from moves.measure()
    if "jobs" in parts:
        spare_collector()
        yield from jobs.measure()


def main() -> int:
    configure_logging("warning")
    figures = []
    for figure in _measure(set(sys.argv[1:]) or {"routing", "embedded", "cluster", "moves", "jobs"}):
        sys.stderr.write(f"{figure.what}: {figure.measured:.3g} {figure.unit} ({figure.detail})\n")
        figures.append(figure)
    show(figures)
    return 0 if all(figure.kept for figure in figures) else 1


if __name__ == "__main__":
    sys.exit(main())
