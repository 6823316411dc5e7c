"""As much of a Docker engine as one container needs, so that containers can be tested without one."""

from __future__ import annotations

import json
import re
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

_STATUS_AFTER = {"start": "running", "stop": "exited", "kill": "exited", "pause": "paused", "unpause": "running"}


class FakeEngine:
    """Remembers what it was asked to create, and the state of the one container."""

    def __init__(self) -> None:
        self.created: list[dict[str, Any]] = []
        self.status = "absent"

    def answer(self, method: str, path: str, body: dict[str, Any]) -> tuple[int, object]:
        if path == "/version":
            return 200, {"ApiVersion": "1.43"}
        if path == "/_ping":
            return 200, "OK"
        if path == "/networks":
            return 200, []
        if path.startswith("/images/"):
            return 200, {"Id": "i1"}
        if path == "/containers/create":
            self.created.append(body)
            self.status = "created"
            return 201, {"Id": "c1", "Warnings": []}
        if self.status == "absent":
            return 404, {"message": "no such container"}
        action = path.rpartition("/")[2]
        if method == "DELETE":
            self.status = "absent"
        elif action == "json":
            pid = 4711 if self.status in ("running", "paused") else 0
            return 200, {"Id": "c1", "State": {"Status": self.status, "Pid": pid}}
        elif action == "wait":
            return 200, {"StatusCode": 0}
        else:
            self.status = _STATUS_AFTER[action]
        return 204, None


@contextmanager
def running_engine(path: Path) -> Iterator[FakeEngine]:
    """Serves on the unix socket `path`."""
    engine = FakeEngine()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or "{}")
            plain_path = re.sub(r"^/v[0-9.]+", "", self.path.partition("?")[0])
            status, answer = engine.answer(self.command, plain_path, body)
            text = answer if isinstance(answer, str) else json.dumps(answer)
            content = b"" if answer is None else text.encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(content)

        do_POST = do_DELETE = do_GET

        def address_string(self) -> str:
            return "unix"

        def log_message(self, *_args: object) -> None:
            """Says nothing."""

    class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
        daemon_threads = True

    with Server(str(path), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield engine
        server.shutdown()
        thread.join()
