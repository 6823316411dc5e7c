"""What every route has in common: request ids, logs, metrics, CORS, gzip, methods, health, docs."""

import gzip
import json
import re
from pathlib import Path

import pytest
import structlog

from amp.api.app import create_app
from amp.bootstrap import Amp
from amp.errors import Retryable, SearchUnavailable, StoreUnavailable
from amp.services.system.health import HealthCheck
from tests.support.background import background_threads
from tests.support.service.built import running
from tests.support.service.rest import Rest, assert_problem, unique


def test_a_request_id_comes_back_or_is_made(rest: Rest) -> None:
    given = "build-7/step:3"
    assert rest.get("/healthz", headers={"X-Request-ID": given}).headers["X-Request-ID"] == given
    made = {rest.get("/healthz").headers["X-Request-ID"] for _ in range(2)}
    assert len(made) == 2
    for garbled in ("a b", "x" * 129, "é", "<script>"):
        answered = rest.get("/nowhere", headers={"X-Request-ID": garbled}).headers["X-Request-ID"]
        assert re.fullmatch("[0-9a-f]{32}", answered)


def test_each_request_makes_one_line_in_the_log(rest: Rest) -> None:
    path = f"/v1/assets/{rest.new_asset(rest.new_type())['id']}"
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    headers = {"X-Request-ID": "r1", "traceparent": f"00-{trace}-00f067aa0ba902b7-01", "AMP-Principal": "ann"}
    headers["User-Agent"] = "curl/8"
    with structlog.testing.capture_logs(processors=[structlog.contextvars.merge_contextvars]) as lines:
        rest.get(path, headers=headers)
        rest.get("/nowhere", headers={"X-Request-ID": "r2", "traceparent": "00-" + "0" * 32 + "-00f067aa0ba902b7-01"})
    first, second = (line for line in lines if line.get("action") == "request")
    assert first.pop("duration_ms") > 0
    assert first == {
        "event": "request",
        "action": "request",
        "log_level": "info",
        "method": "GET",
        "route": "/v1/assets/<asset_id>",
        "path": path,
        "status": 200,
        "principal": "ann",
        "client": "127.0.0.1",
        "user_agent": "curl/8",
        "request_id": "r1",
        "trace_id": trace,
    }
    assert (second["route"], second["path"], second["status"], second["request_id"]) == (
        "(none)",
        "/nowhere",
        404,
        "r2",
    )
    assert "The requested URL was not found" in second["reason"]
    assert "trace_id" not in second
    assert structlog.contextvars.get_contextvars() == {}


def test_requests_are_counted_by_route_method_and_status(rest: Rest) -> None:
    rest.get("/v1/types/%00")
    metrics = rest.get("/metrics")
    assert metrics.mimetype == "text/plain"
    wanted = 'amp_http_requests_total{method="GET",route="/v1/types/<type_name>",status="404"}'
    assert any(line.startswith(wanted) for line in metrics.text.splitlines())
    assert 'amp_http_request_seconds_count{method="GET",route="/v1/types/<type_name>"}' in metrics.text


def test_an_unexpected_error_is_a_problem_without_internals(tmp_path: Path) -> None:
    with running({"data_dir": tmp_path}) as amp:
        app = create_app(amp)

        @app.get("/broken", doc_ui=False)
        def broken() -> str:
            raise RuntimeError("secret inside")

        with structlog.testing.capture_logs() as lines:
            answer = Rest(app).get("/broken", headers={"X-Request-ID": "r3"})
        problem = assert_problem(answer, 500, "internal-server-error")
        assert "r3" in problem["detail"]
        assert "secret" not in answer.text
        assert any(line["log_level"] == "error" and "secret inside" in repr(line["exc_info"]) for line in lines)


def test_another_method_is_405_with_those_allowed(rest: Rest) -> None:
    for method, path in (("DELETE", "/v1/assets"), ("PATCH", "/v1/search"), ("BREW", "/v1/types")):
        answer = rest.call(method, path)
        assert_problem(answer, 405, "method-not-allowed")
        assert {"GET", "POST", "HEAD", "OPTIONS"} == set(answer.headers["Allow"].split(", "))
    options = rest.call("OPTIONS", "/v1/assets")
    assert (options.status_code, options.data) == (200, b"")
    assert {"GET", "POST", "HEAD", "OPTIONS"} == set(options.headers["Allow"].split(", "))


def test_an_unknown_path_is_404(rest: Rest) -> None:
    for path in ("/v2", "/v1/nothing", "/v1/assets/", "//v1/assets", "/v1/types/a/b"):
        assert_problem(rest.get(path), 404, "not-found")


def test_large_answers_are_packed_for_those_who_accept_it(rest: Rest) -> None:
    path = f"/v1/assets/{rest.new_asset(rest.new_type(), labels=[f'label {i}' for i in range(100)])['id']}"
    plain = rest.get(path)
    assert "Content-Encoding" not in plain.headers
    assert "Accept-Encoding" in plain.headers["Vary"]
    for accepted in ("gzip", "br, gzip;q=0.5", "*"):
        packed = rest.get(path, headers={"Accept-Encoding": accepted})
        assert packed.headers["Content-Encoding"] == "gzip"
        assert int(packed.headers["Content-Length"]) == len(packed.data) < len(plain.data)
        assert gzip.decompress(packed.data) == plain.data
        assert packed.headers["ETag"] == plain.headers["ETag"]
    for accepted in ("identity", "gzip;q=0", "br"):
        assert rest.get(path, headers={"Accept-Encoding": accepted}).data == plain.data
    assert "Content-Encoding" not in rest.get("/healthz", headers={"Accept-Encoding": "gzip"}).headers


def test_cors_is_off_unless_origins_are_set(rest: Rest, tmp_path: Path) -> None:
    origin = "https://ui.example"
    assert "Access-Control-Allow-Origin" not in rest.get("/healthz", headers={"Origin": origin}).headers
    with running({"data_dir": tmp_path, "cors_origins": (origin,)}) as amp:
        allowing = Rest(create_app(amp))
        answer = allowing.get("/nowhere", headers={"Origin": origin})
        assert answer.headers["Access-Control-Allow-Origin"] == origin
        assert {"ETag", "Location", "AMP-Searchable"} <= set(
            answer.headers["Access-Control-Expose-Headers"].split(", ")
        )
        assert "Origin" in answer.headers["Vary"]
        other = allowing.get("/healthz", headers={"Origin": "https://evil.example"})
        assert "Access-Control-Allow-Origin" not in other.headers
        asked = {"Origin": origin, "Access-Control-Request-Method": "PATCH"}
        preflight = allowing.call("OPTIONS", "/v1/assets/x", headers=asked)
        assert preflight.status_code == 200
        assert "PATCH" in preflight.headers["Access-Control-Allow-Methods"]
        assert "If-Match" in preflight.headers["Access-Control-Allow-Headers"]


def test_health_and_readiness_name_each_part(rest: Rest, service: Amp) -> None:
    assert rest.get("/healthz").get_json() == {"status": "ok"}
    ready = rest.get("/readyz")
    assert ready.status_code == 200
    assert ready.get_json()["status"] == "ready"
    assert [part["name"] for part in ready.get_json()["parts"]] == [part.name for part in service.adapters.components]


class _Part:
    """A part that answers, or fails as told."""

    def __init__(self, name: str, failure: Retryable | None = None) -> None:
        self.name = name
        self._failure = failure

    def ping(self) -> str:
        if self._failure:
            raise self._failure
        return "fine"

    def pending(self) -> list[str]:
        return []

    def migrate(self) -> list[str]:
        return []

    def close(self) -> None:
        return


@pytest.mark.parametrize("down", ["store", "search"])
def test_only_a_store_that_is_down_makes_the_service_unready(tmp_path: Path, down: str) -> None:
    failures = {"store": StoreUnavailable("no answer"), "search": SearchUnavailable("no answer")}
    with running({"data_dir": tmp_path}) as amp:
        parts = [_Part(name, failures[name] if name == down else None) for name in ("store", "search")]
        object.__setattr__(amp.system, "health", HealthCheck(components=parts, threads=background_threads()))
        answer = Rest(create_app(amp)).get("/readyz")
    expected = [
        {"name": name, "healthy": name != down, "detail": "no answer" if name == down else "fine"}
        for name in ("store", "search")
    ]
    if down == "store":
        assert assert_problem(answer, 503, "store-unavailable")["parts"] == expected
        assert int(answer.headers["Retry-After"]) >= 1
    else:
        assert answer.status_code == 200
        found = answer.get_json()
        assert (found["status"], found["degraded"], found["parts"]) == ("degraded", ["search"], expected)


def test_the_docs_work_offline(rest: Rest) -> None:
    start = rest.get("/")
    assert (start.status_code, start.headers["Location"]) == (302, "docs")
    page = rest.get("/docs")
    assert page.mimetype == "text/html"
    assert "://" not in page.text
    files = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(files) >= 3
    for name in files:
        answer = rest.get(f"/{name}")
        assert answer.status_code == 200, name
        assert len(answer.data) > 100
    document = rest.get("/openapi.json")
    assert json.loads(document.data)["openapi"].startswith("3.1")
    assert_problem(rest.get("/docs/../app.py"), 404, "not-found")
    assert_problem(rest.get("/docs/%2e%2e/__init__.py"), 404, "not-found")


def test_a_caller_may_have_any_printable_name(rest: Rest) -> None:
    kind, name = rest.new_type(), unique("Zoë Müller")
    answer = rest.post("/v1/assets", json={"type": kind}, headers={"AMP-Principal": name.encode().decode("latin-1")})
    assert answer.get_json()["created_by"] == name


def test_the_entry_lists_paths_that_exist(rest: Rest) -> None:
    resources = rest.get("/v1").get_json()["resources"]
    assert {"assets", "types", "search", "jobs", "documentation"} <= resources.keys()
    for path in resources.values():
        assert rest.get(path).status_code == 200, path
