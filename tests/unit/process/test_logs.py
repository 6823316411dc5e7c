"""Logs: one JSON object a line, and nothing in them that is nobody's business."""

import json
import logging
import subprocess
import sys

_FAILING = """
import structlog
from amp.logs import configure_logging
configure_logging("info")
log = structlog.get_logger("amp.here")
def fail():
    password = "hunter2"
    raise ValueError("no")
try:
    fail()
except ValueError:
    log.exception("it failed", action="failed")
log.info("two\\nlines", action="spoken")
log.debug("not shown")
"""


def test_a_line_is_one_json_object_and_tracebacks_hide_local_variables() -> None:
    done = subprocess.run([sys.executable, "-c", _FAILING], capture_output=True, text=True, check=True)
    failed, spoken = map(json.loads, done.stderr.splitlines())
    assert failed["action"] == "failed"
    assert failed["exception"][0]["exc_type"] == "ValueError"
    assert failed["exception"][0]["frames"][-1]["name"] == "fail"
    assert spoken["event"] == "two\nlines"
    assert spoken["level"] == logging.getLevelName(logging.INFO).lower()
    assert "hunter2" not in done.stderr
    assert done.stdout == ""
