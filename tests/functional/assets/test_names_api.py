"""External ids and idempotency keys over REST: a claim is a hint, the head is the truth."""

import uuid
from typing import Any
from uuid import UUID

import pytest

from amp.bootstrap import Amp
from amp.domain.claims import Claim
from amp.domain.ids import mint_at
from amp.errors import StoreUnavailable
from amp.ports.asset_store import CommitResult, CommitStatus
from amp.services.assets.release import RELEASING
from tests.support.jobs.calls import asset, counts, deleted, ran
from tests.support.service.rest import Rest, assert_problem, unique


def named(rest: Rest, project: str, external_id: str) -> list[str]:
    found = rest.get(f"/v1/assets?project={project}&external_id={external_id}&deleted=true").get_json()["items"]
    assert all((item["project"], item["external_id"]) == (project, external_id) for item in found)
    return [item["id"] for item in found]


def bulk(rest: Rest, items: list[dict[str, Any]], **headers: str) -> list[dict[str, Any]]:
    answer = rest.post("/v1/assets/bulk", json=items, headers=headers)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.get_json()["items"]
    return found


def external_claim(project: str, external_id: str, asset_id: str) -> Claim:
    return Claim(f"external-id:{project}", external_id, UUID(asset_id))


def test_a_refused_creation_leaves_the_name_free(service: Amp, rest: Rest) -> None:
    kind, team = rest.new_type(), unique("team")
    first = rest.new_asset(kind, external_id="mine")
    other = {"type": kind, "id": first["id"], "external_id": "other", "project": team}
    assert_problem(rest.post("/v1/assets", json=other), 409, "already-exists")
    assert_problem(rest.put(f"/v1/assets/by-external-id/{team}/other", json=other), 409, "already-exists")
    assert named(rest, team, "other") == []
    assert service.adapters.claims.holders([(f"external-id:{team}", "other")]) == [None]
    made = rest.put(f"/v1/assets/by-external-id/{team}/other", json={"type": kind, "name": "another"})
    assert made.status_code == 201, made.text
    assert named(rest, team, "other") == [made.get_json()["id"]] != [first["id"]]
    assert asset(rest, first["id"]) == first


def test_a_refused_creation_keeps_the_name_of_the_asset_itself(rest: Rest) -> None:
    kind, team = rest.new_type(), unique("team")
    first = rest.new_asset(kind, external_id="mine", project=team)
    again = {"type": kind, "id": first["id"], "external_id": "mine", "project": team}
    assert_problem(rest.post("/v1/assets", json=again), 409, "already-exists")
    assert named(rest, team, "mine") == [first["id"]]


@pytest.mark.parametrize("digest", ["", RELEASING])
def test_a_claim_of_an_asset_with_another_name_is_taken_over(service: Amp, rest: Rest, digest: str) -> None:
    kind, team = rest.new_type(), unique("team")
    first = rest.new_asset(kind)
    for name in ("by-put", "by-post"):
        claim = external_claim(team, name, first["id"])
        service.adapters.claims.claim([Claim(claim.scope, claim.key, claim.holder_id, digest)])
        assert named(rest, team, name) == []
    put = rest.put(f"/v1/assets/by-external-id/{team}/by-put", json={"type": kind})
    assert put.status_code == 201, put.text
    made = rest.new_asset(kind, project=team, external_id="by-post", id=str(mint_at(1_700_000_000_000)))
    assert named(rest, team, "by-post") == [made["id"]]
    assert named(rest, team, "by-put") == [put.get_json()["id"]]
    assert asset(rest, first["id"]) == first


def test_a_claim_whose_asset_was_never_written_is_completed(service: Amp, rest: Rest) -> None:
    kind, team = rest.new_type(), unique("team")
    claimed = str(mint_at(1_700_000_000_000))
    service.adapters.claims.claim([external_claim(team, "mine", claimed)])
    assert rest.new_asset(kind, project=team, external_id="mine")["id"] == claimed


@pytest.mark.parametrize("keyed", [False, True], ids=["without a key", "with a key"])
def test_two_names_claimed_for_one_unwritten_id_make_two_assets(service: Amp, rest: Rest, keyed: bool) -> None:
    kind, team = rest.new_type(), unique("team")
    claimed = str(mint_at(1_700_000_000_000))
    service.adapters.claims.claim([external_claim(team, name, claimed) for name in ("y", "z")])
    headers = {"Idempotency-Key": unique("key")} if keyed else {}
    items = [{"type": kind, "project": team, "external_id": name, "name": name} for name in ("y", "z")]
    first = bulk(rest, items, **headers)
    assert [item["status"] for item in first] == [201, 201]
    assert first[0]["id"] == claimed
    found = [named(rest, team, name) for name in ("y", "z")]
    assert found == [[item["id"]] for item in first]
    assert found[0] != found[1]
    assert [asset(rest, item["id"])["name"] for item in first] == ["y", "z"]
    if keyed:
        assert bulk(rest, items, **headers) == first


@pytest.mark.parametrize("id_first", [False, True], ids=["the name first", "the id first"])
def test_an_id_asked_for_in_a_bulk_is_not_given_to_a_name_claimed_for_it(
    service: Amp, rest: Rest, id_first: bool
) -> None:
    kind, team = rest.new_type(), unique("team")
    claimed = str(mint_at(1_700_000_000_000))
    service.adapters.claims.claim([external_claim(team, "x", claimed)])
    by_name = {"type": kind, "project": team, "external_id": "x", "name": "by name"}
    by_id = {"type": kind, "project": team, "id": claimed, "name": "by id"}
    made = bulk(rest, [by_id, by_name] if id_first else [by_name, by_id])
    assert [item["status"] for item in made] == [201, 201]
    assert asset(rest, claimed)["name"] == "by id"
    [holder] = named(rest, team, "x")
    assert asset(rest, holder)["name"] == "by name"


def test_a_key_of_another_request_is_not_answered_with_its_asset(service: Amp, rest: Rest) -> None:
    kind, key = rest.new_type(), unique("key")
    body = {"type": kind, "name": "keyed"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(service.adapters.store, "prepare", _unavailable)
        assert rest.post("/v1/assets", json=body, headers={"Idempotency-Key": key}).status_code == 503
    [claim] = [c for c in _all_claims(service) if c.key == key]
    other = rest.new_asset(kind, id=str(claim.holder_id), name="not keyed")
    made = rest.post("/v1/assets", json=body, headers={"Idempotency-Key": key})
    assert made.status_code == 201
    assert made.get_json()["id"] != other["id"]
    assert made.get_json()["name"] == "keyed"
    assert rest.post("/v1/assets", json=body, headers={"Idempotency-Key": key}).get_json() == made.get_json()


def test_a_principal_cannot_imitate_the_names_of_another(rest: Rest) -> None:
    kind, key = rest.new_type(), unique("key")
    sly = Rest(rest.app, "external-id")
    assert sly.post("/v1/assets", json={"type": kind}, headers={"Idempotency-Key": key}).status_code == 201
    made = rest.post("/v1/assets", json={"type": kind, "project": "POST /v1/assets", "external_id": key})
    assert made.status_code == 201, made.text


def test_what_is_purged_is_gone_but_for_id_revision_and_state(service: Amp, rest: Rest) -> None:
    kind, team, key = rest.new_type(), unique("team"), unique("key")
    secret = Rest(rest.app, "mara")
    body = {"type": kind, "project": team, "external_id": "secret", "name": "night", "labels": ["x"]}
    made = secret.post("/v1/assets", json=body, headers={"Idempotency-Key": key}).get_json()
    deleted(rest, made["id"])
    assert counts(ran(rest, "purge", {"ids": [made["id"]]}, parameters={"retention_s": 0})) == {"changed": 1}
    id_ = UUID(made["id"])
    [head] = service.adapters.store.heads([id_]).values()
    assert (head.revision, head.state, head.is_stripped) == (3, "purged", True)
    assert (head.type, head.project, head.external_id, head.created_by, head.updated_by, head.updated_ms) == (
        "", "", None, "", "", 0
    )  # fmt: skip
    assert service.adapters.claims.of_assets([id_]) == []
    assert [claim for claim in _all_claims(service) if claim.holder_id == id_] == []
    again = secret.post("/v1/assets", json=body | {"id": made["id"]})
    assert (again.status_code, again.get_json()["revision"]) == (201, 4)
    assert named(rest, team, "secret") == [made["id"]]
    fresh = secret.post("/v1/assets", json=body | {"external_id": None}, headers={"Idempotency-Key": key})
    assert fresh.status_code == 201
    assert fresh.get_json()["id"] != made["id"]


def test_a_creation_over_a_purged_asset_claims_its_name_again(service: Amp, rest: Rest) -> None:
    """A purge releases the name between a creation's claim and its write."""
    kind, team = rest.new_type(), unique("team")
    body = {"type": kind, "project": team, "external_id": "mine", "id": str(mint_at(1_700_000_000_001))}
    assert rest.post("/v1/assets", json=body).status_code == 201
    deleted(rest, body["id"])
    store, released = service.adapters.store, []
    real = store.apply

    def purge_before(changes: Any) -> Any:
        if not released and any(str(change.after.id) == body["id"] for change in changes):
            released.append(True)
            assert counts(ran(rest, "purge", {"ids": [body["id"]]}, parameters={"retention_s": 0})) == {"changed": 1}
        return real(changes)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "apply", purge_before)
        made = rest.post("/v1/assets", json=body)
    assert (made.status_code, made.get_json()["revision"]) == (201, 4)
    assert named(rest, team, "mine") == [body["id"]]
    assert_problem(rest.post("/v1/assets", json=body | {"id": str(uuid.uuid1())}), 409, "already-exists")


def _unavailable(*_: object) -> None:
    raise StoreUnavailable("the store went away")


def _all_claims(service: Amp) -> list[Claim]:
    found: list[Claim] = []
    position = None
    while True:
        page = service.adapters.claims.page(position, 100)
        found += page.claims
        if page.position is None:
            return found
        position = page.position


def test_a_key_is_not_answered_with_what_others_made_over_a_purged_asset(rest: Rest) -> None:
    kind, headers = rest.new_type(), {"Idempotency-Key": uuid.uuid4().hex}
    body = {"type": kind, "id": str(mint_at(1_700_000_000_000)), "name": "mine"}
    assert rest.post("/v1/assets", json=body, headers=headers).status_code == 201
    deleted(rest, body["id"])
    assert counts(ran(rest, "purge", {"ids": [body["id"]]}, parameters={"retention_s": 0})) == {"changed": 1}
    other = rest.new_asset(kind, id=body["id"], name="another's", project=unique("team"))
    assert_problem(rest.post("/v1/assets", json=body, headers=headers), 410, "asset-deleted")
    assert asset(rest, body["id"]) == other


@pytest.mark.parametrize(
    "meanwhile",
    ["made again", "made again, and the purge repeated", "made again, deleted, and the purge repeated", "stripped"],
)
def test_a_purge_removes_the_former_documents_in_every_case(service: Amp, rest: Rest, meanwhile: str) -> None:
    kind, a = rest.new_type(), service.adapters
    body = {"type": kind, "name": "1", "id": str(mint_at(1_700_000_000_000))}
    rest.new_asset(kind, name="1", id=body["id"])
    for name in ("2", "3"):
        assert rest.put(f"/v1/assets/{body['id']}", json={"name": name}).status_code == 200
    assert rest.delete(f"/v1/assets/{body['id']}?wait_for=searchable&timeout=30s").status_code == 204
    id_, real, purged = UUID(body["id"]), a.store.apply, []

    def apply(changes: Any) -> Any:
        outcomes = real(changes)
        if not purged and any(change.after.id == id_ and change.kind == "purged" for change in changes):
            purged.append(True)
            if meanwhile == "stripped":
                a.store.strip(list(a.store.heads([id_]).values()))
            else:
                assert rest.post("/v1/assets?wait_for=searchable&timeout=30s", json=body).status_code == 201
            if "deleted" in meanwhile:
                assert rest.put(f"/v1/assets/{id_}", json={"name": "2"}).status_code == 200
                assert rest.delete(f"/v1/assets/{id_}?wait_for=searchable&timeout=30s").status_code == 204
            if "repeated" in meanwhile:
                return [CommitResult(CommitStatus.UNKNOWN)] * len(changes)
        return outcomes

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(a.store, "apply", apply)
        assert counts(ran(rest, "purge", {"ids": [body["id"]]}, parameters={"retention_s": 0})) == {"changed": 1}
    service.adapters.indices.refresh([info.index for info in a.indices.info()])
    left = sorted(document.doc_id for _, document in a.documents.of_assets([id_]))
    expected = {"stripped": [], "made again, deleted, and the purge repeated": [body["id"], f"{body['id']}:1"]}
    assert left == expected.get(meanwhile, [body["id"]])
