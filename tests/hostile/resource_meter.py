"""Answers requests in a process of its own and measures what each costs: processor time, and memory at its peak.

Reads pickled requests from standard input, and writes a pickled `Cost` for each to standard output.
"""

import ctypes
import gc
import os
import pickle
import sys
import tempfile
import time
from pathlib import Path

import structlog

from amp.api.app import create_app
from tests.hostile.resource_requests import Cost, Request
from tests.support.service.built import built
from tests.support.service.rest import Rest

_STATUS, _CLEAR_REFS = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def main() -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    requests, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    with tempfile.TemporaryDirectory() as folder, built({"data_dir": folder}) as amp:
        rest = Rest(create_app(amp))
        codecs = [f"codec-{i:03}-" + "x" * 1_000 for i in range(20)]
        kind = rest.new_type(
            {
                "codec": {"type": "string", "enum": codecs},
                "tags": {"type": "string", "array": True, "enum": [f"v{i}" for i in range(1_000)]},
            }
        )
        asset = rest.new_asset(kind)["id"]
        rest.search()
        rest.post("/v1/assets/bulk", json=[{"type": kind}, {"type": "none"}, 1])
        pickle.dump(None, answers)
        answers.flush()
        while (request := pickle.load(requests)) is not None:
            pickle.dump(_cost(rest, request, kind, asset), answers)
            answers.flush()


def _cost(rest: Rest, request: Request, kind: str, asset: str) -> Cost:
    names = ((b'"T"', f'"{kind}"'.encode()), (b'"A"', f'"{asset}"'.encode()))
    for name, value in names:
        request = Request(**{**request.__dict__, "body": request.body.replace(name, value)})
    path = request.path.replace("/T", f"/{kind}").replace("/A", f"/{asset}")
    headers = {"Content-Encoding": "gzip"} if request.packed else {}
    more = {"data": request.sent(), "content_type": request.media_type, "headers": headers} if request.body else {}
    before = _reset_memory()
    began_s = time.process_time()
    answer = rest.call(request.method, path, **more)
    cpu_s = time.process_time() - began_s
    memory_bytes = _memory("VmHWM") - before
    found = answer.get_json() if answer.is_json and answer.status_code == 200 else {}
    accepted = len(found.get("items") or ()) if request.method == "POST" else 0
    return Cost(answer.status_code, len(answer.data), accepted, cpu_s, memory_bytes, answer.text[:300])


def _reset_memory() -> int:
    """Bytes in use; the peak is counted from here."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    _CLEAR_REFS.write_text("5")
    return _memory("VmRSS")


def _memory(name: str) -> int:
    line = next(line for line in _STATUS.read_text().splitlines() if line.startswith(name))
    return int(line.split()[1]) * 1024


if __name__ == "__main__":
    main()
