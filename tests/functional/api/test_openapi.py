"""The OpenAPI document is valid, whole, and true to what is served."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from amp.api import examples
from amp.api.app import create_app
from amp.api.parameters import LIMIT, SIZE
from amp.api.presenters import ASSET_FIELDS
from amp.bootstrap import Amp
from amp.domain.limits import SearchLimits
from amp.domain.queries import OPERATORS
from amp.settings import load_settings
from tests.support.service.rest import Rest
from tests.support.stack.waiting import wait_until

Document = dict[str, Any]
PROBLEM = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}


@pytest.fixture(scope="module")
def rest(embedded_service: Amp) -> Rest:
    return Rest(create_app(embedded_service))


@pytest.fixture
def document(rest: Rest) -> Document:
    found: Document = rest.get("/openapi.json").get_json()
    return found


def operations(document: Document) -> Iterator[tuple[str, str, Document]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield path, method, operation


def test_the_document_is_valid_openapi_31(document: Document) -> None:
    assert document["openapi"] == "3.1.0"
    OpenAPIV31SpecValidator(document).validate()


def test_a_document_that_breaks_the_rules_is_found_invalid(document: Document) -> None:
    del document["paths"]["/v1/assets/{asset_id}"]["get"]["parameters"][0]["name"]
    assert not OpenAPIV31SpecValidator(document).is_valid()


def test_every_route_is_in_the_document_and_the_other_way_round(rest: Rest, document: Document) -> None:
    documented = {(path, method.upper()) for path, method, _ in operations(document)}
    served = {
        (re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule), method)
        for rule in rest.app.url_map.iter_rules()
        if not rule.endpoint.startswith("docs.")
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert documented == served
    assert len(documented) >= 22


def test_limits_that_are_settings_have_the_values_of_this_server(embedded_service: Amp) -> None:
    settings = embedded_service.settings.model_copy(
        update={"max_bulk_items": 2_500, "max_bulk_bytes": 3 << 20, "idempotency_ttl_s": 7_200}
    )
    found = Rest(create_app(replace(embedded_service, settings=settings))).get("/openapi.json").get_json()
    operation = found["paths"]["/v1/assets/bulk"]["post"]
    assert operation["requestBody"]["content"]["application/json"]["schema"]["maxItems"] == 2_500
    assert "2,500 items and 3 MiB" in operation["requestBody"]["description"]
    key = next(p for p in operation["parameters"] if p["name"] == "Idempotency-Key")
    assert "7,200 seconds" in key["description"]


def test_cancelling_promises_no_more_than_it_does(document: Document) -> None:
    described = document["paths"]["/v1/admin/jobs/{job_id}/cancel"]["post"]
    assert described["summary"] == "Cancel a job."
    assert "what it has done stays done" in described["description"]


def test_every_operation_says_what_it_is_and_what_it_refuses(document: Document) -> None:
    for path, method, operation in operations(document):
        where = f"{method} {path}"
        assert len(operation["summary"]) > 10, where
        assert operation["responses"]["400"]["content"] == PROBLEM, where
        for status, answer in operation["responses"].items():
            if int(status) >= 400:
                assert answer["content"] == PROBLEM, (where, status)
        if "requestBody" in operation:
            assert {"400", "413", "415"} <= operation["responses"].keys(), where
        if path.startswith("/v1/"):
            assert operation["responses"]["503"]["headers"].keys() == {"Retry-After"}, where
    ids = [operation["operationId"] for *_, operation in operations(document)]
    assert len(ids) == len(set(ids))


def test_every_parameter_is_described(document: Document) -> None:
    for path, method, operation in operations(document):
        names = {parameter["name"] for parameter in operation["parameters"] if parameter["in"] == "path"}
        assert names == set(re.findall(r"{(\w+)}", path)), (method, path)
        for parameter in operation["parameters"]:
            assert parameter["description"], (method, path, parameter["name"])
            assert parameter["schema"], (method, path, parameter["name"])


def test_an_asset_in_the_document_has_the_fields_of_an_asset(rest: Rest, document: Document) -> None:
    schemas = document["components"]["schemas"]
    asset = rest.new_asset(rest.new_type())
    assert list(asset) == list(ASSET_FIELDS) == list(schemas["AssetOut"]["properties"])
    assert sorted(schemas["AssetOut"]["required"]) == sorted(ASSET_FIELDS)
    assert schemas["AssetItem"]["properties"] == schemas["AssetOut"]["properties"]
    assert "required" not in schemas["AssetItem"]


def test_a_condition_in_the_document_has_every_operator(document: Document) -> None:
    assert set(document["components"]["schemas"]["Condition"]["properties"]) == {"field", *OPERATORS}


def test_the_bounds_in_the_document_are_those_that_hold(document: Document) -> None:
    limits, settings = SearchLimits(), load_settings()
    assert LIMIT.schema["maximum"] == SIZE.schema["maximum"] == limits.page
    assert document["components"]["schemas"]["SearchIn"]["properties"]["size"]["maximum"] == limits.page
    bulk = document["paths"]["/v1/assets/bulk"]["post"]["requestBody"]
    assert bulk["content"]["application/json"]["schema"]["maxItems"] == settings.max_bulk_items


def test_every_type_of_problem_is_listed(document: Document) -> None:
    rows = re.findall(r"^\| `urn:amp:problem:([a-z-]+)` \| (\d{3}) \|", document["info"]["description"], re.MULTILINE)
    assert {
        ("malformed-json", "400"), ("invalid-id", "400"), ("asset-not-found", "404"), ("not-found", "404"),
        ("method-not-allowed", "405"), ("already-exists", "409"), ("asset-deleted", "410"),
        ("revision-mismatch", "412"),
        ("too-large", "413"), ("unsupported-media-type", "415"), ("idempotency-key-reused", "422"),
        ("unprocessable", "422"),
        ("internal-server-error", "500"), ("outcome-unknown", "503"), ("search-unavailable", "503"),
    } <= set(rows)  # fmt: skip
    assert len(rows) == len(set(rows)) < 40


def test_the_document_has_no_place_of_its_makers(document: Document) -> None:
    assert document["components"].keys() == {"schemas"}
    assert not [name for name in document["components"]["schemas"] if "Validation" in name]


def test_every_example_in_the_document_is_accepted_as_it_stands(rest: Rest, document: Document) -> None:
    existing = _what_examples_are_about(rest)
    bodies = list(_example_bodies(document))
    # Assets and searches are of a type, which comes first.
    for method, path, media_type, example in sorted(bodies, key=lambda body: body[:2] != ("post", "/v1/types")):
        text = example if isinstance(example, str) else json.dumps(example)
        answer = rest.call(method.upper(), path.format_map(existing), data=text, content_type=media_type)
        assert answer.status_code < 300, (method, path, media_type, answer.text)
        if path == "/v1/assets/bulk":
            assert [item["status"] for item in answer.get_json()["items"]] == [201, 201]
    assert len(bodies) >= 20


def test_the_request_that_the_page_on_searching_shows_is_accepted(rest: Rest) -> None:
    rest.post("/v1/types", json=examples.CLIP_TYPE)
    page = (Path(__file__).parents[3] / "docs" / "search.md").read_text()
    shown = page.partition("```json\n")[2].partition("```")[0]
    answer = rest.post("/v1/search", json=json.loads(shown))
    assert answer.status_code == 200, answer.text


def test_a_path_that_is_filled_in_with_examples_names_what_there_is(rest: Rest, document: Document) -> None:
    rest.post("/v1/types", json=examples.CLIP_TYPE)
    for path, method, operation in operations(document):
        names = [parameter for parameter in operation["parameters"] if parameter["in"] == "path"]
        if method == "get" and all("example" in parameter for parameter in names):
            url = path.format_map({parameter["name"]: parameter["example"] for parameter in names})
            assert rest.get(url).status_code < 400, url


def _what_examples_are_about(rest: Rest) -> dict[str, str]:
    """Values of the parameters in paths: what a reader takes from the answers of other requests."""
    kind = rest.new_type()
    days = ("2001-01-01", "2002-01-01", "2003-01-01")
    assets = [rest.new_asset(kind, created_at=day, searchable=True)["id"] for day in days]
    roll = rest.post("/v1/admin/buckets/roll", json={"at": "2090-01-01"}).get_json()["id"]
    wait_until(lambda: rest.get(f"/v1/admin/jobs/{roll}").get_json()["state"] == "completed", 30, "a second bucket")
    slow = rest.post("/v1/admin/jobs", json={"kind": "reindex", "selector": {"ids": assets}, "rate": 0.1})
    given = {"type_name": "clip", "bucket_name": "19700101000000", "project": "default", "external_id": "reel-7"}
    return given | {"asset_id": assets[0], "job_id": slow.get_json()["id"]}


def _example_bodies(document: Document) -> Iterator[tuple[str, str, str, Any]]:
    for path, method, operation in operations(document):
        for media_type, content in operation.get("requestBody", {}).get("content", {}).items():
            yield method, path, media_type, content["example"]
