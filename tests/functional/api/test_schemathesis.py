"""Whatever the OpenAPI document allows, and much that it does not, is answered as the document says."""

import contextlib
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import pytest
import schemathesis
from hypothesis import HealthCheck, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis.checks import load_all_checks
from schemathesis.openapi import from_wsgi

from amp.api.app import create_app
from amp.bootstrap import Amp
from amp.domain.queries import ROOT_FIELDS
from tests.support.campaign_seed import campaign_seed
from tests.support.campaign_size import share
from tests.support.service.rest import FIELDS, Rest

#: Over all operations, boundary cases of the document included: 2,000 in CI, 500 elsewhere, as drawing them takes long.
LEAST_CASES = share(2_000)
#: Drawn at random for each operation, as many valid as not.
EXAMPLES = share(60)
#: Repeats a run that found a fault: it is printed with every run.
SEED = campaign_seed("AMP_TEST_SEED")


@dataclass
class Campaign:
    """What there is to be asked for, and how much has been asked."""

    type_name: str
    job_id: str
    ids: Iterator[str]
    fields: Iterator[str]
    cases: int = 0
    statuses: dict[int, int] = field(default_factory=dict)

    def aim(self, case: schemathesis.Case) -> None:
        """Turn a valid case that would not get past a random id or type into one about something that exists."""
        if case.meta is None or not case.meta.generation.mode.is_positive:
            return
        path = case.path_parameters or {}
        if "asset_id" in path and _is_uuid(path["asset_id"]):
            path["asset_id"] = next(self.ids)
        existing = {"type_name": self.type_name, "bucket_name": "19700101000000", "job_id": self.job_id}
        path |= {name: value for name, value in existing.items() if name in path}
        query = case.query or {}
        if self.cases % 2:
            query.pop("cursor", None)
            query |= {name: "name" for name in ("fields", "sort") if name in query}
            if case.operation.path == "/v1/search" and isinstance(case.body, dict):
                case.body.pop("cursor", None)
                case.body.pop("fields", None)
                self._aim_fields(case.body)
        for item in case.body if isinstance(case.body, list) else [case.body]:
            if isinstance(item, dict) and self.cases % 2 and case.operation.path.startswith("/v1/assets"):
                self._aim_body(item)

    def _aim_fields(self, part: Any) -> None:
        """Let conditions, sorts and facets be about fields that there are."""
        for inner in part.values() if isinstance(part, dict) else part if isinstance(part, list) else ():
            self._aim_fields(inner)
        if isinstance(part, dict) and isinstance(part.get("field"), str):
            part["field"] = next(self.fields)

    def _aim_body(self, body: dict[str, Any]) -> None:
        if "type" in body:
            body["type"] = self.type_name
        if isinstance(body.get("metadata"), dict):
            body["metadata"] = dict(zip(FIELDS, body["metadata"].values(), strict=False))
        for name in ("id", "created_at"):
            body.pop(name, None)


def _is_uuid(text: object) -> bool:
    try:
        return bool(UUID(str(text)))
    except ValueError:
        return False


@pytest.fixture(scope="module")
def campaign(embedded_service: Amp) -> Campaign:
    rest = Rest(create_app(embedded_service))
    kind = rest.new_type()
    alive, dead = (rest.new_asset(kind, name=name)["id"] for name in ("alive", "dead"))
    rest.delete(f"/v1/assets/{dead}")
    return Campaign(
        kind,
        rest.post("/v1/admin/buckets/roll").get_json()["id"],
        itertools.cycle([alive, alive, dead, "01912345-6789-7abc-8def-0123456789ab"]),
        itertools.cycle([*ROOT_FIELDS, *(f"metadata.{key}" for key in FIELDS)]),
    )


@pytest.fixture
def document(embedded_service: Amp) -> schemathesis.BaseSchema:
    config = schemathesis.Config.from_dict(
        {
            "checks": {
                # A valid document is not all it takes: a type or a field may not exist, a revision may not match.
                "positive_data_acceptance": {"expected-statuses": ["2xx", "3xx", 400, 404, 409, 410, 412, 422]},
                # A body that is not valid may also be too large. Values are checked against the type of the asset, so
                # first of all it must not be deleted, and must meet the preconditions.
                "negative_data_rejection": {"expected-statuses": [400, 404, 405, 406, 410, 412, 413, 415, 422]},
            },
            "operations": [
                # A bad item is refused by itself, within an answer of 200.
                {"include-operation-id": "create_assets", "checks": {"negative_data_rejection": {"enabled": False}}},
            ],
        }
    )
    return from_wsgi("/openapi.json", create_app(embedded_service), config=config)


@pytest.mark.timeout(600)
def test_every_answer_is_as_documented(document: schemathesis.BaseSchema, campaign: Campaign) -> None:
    load_all_checks()
    print(f"to repeat: {SEED}")  # noqa: T201 - shown with a failure
    for operation in document.get_all_operations():
        for mode in schemathesis.GenerationMode:
            _ask(operation.ok(), mode, campaign)
    print(f"{campaign.cases} cases: {dict(sorted(campaign.statuses.items()))}")  # noqa: T201 - likewise
    assert campaign.cases >= LEAST_CASES
    assert {200, 201, 204, 400, 404, 410, 422} <= campaign.statuses.keys()


def _ask(operation: schemathesis.APIOperation, mode: schemathesis.GenerationMode, campaign: Campaign) -> None:
    @seed(SEED.value)
    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(case=operation.as_strategy(generation_mode=mode))
    def ask(case: schemathesis.Case) -> None:
        campaign.aim(case)
        campaign.cases += 1
        # Its in-process transport asks for gzip, and does not unpack it.
        response = case.call(headers={"Accept-Encoding": "identity"})
        campaign.statuses[response.status_code] = campaign.statuses.get(response.status_code, 0) + 1
        case.validate_response(response)

    # There is nothing wrong to be said where nothing can be said.
    with contextlib.suppress(Unsatisfiable):
        ask()
