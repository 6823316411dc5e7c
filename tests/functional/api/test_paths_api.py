"""A path is split where it was sent with slashes, and decoded after."""

import pytest

from tests.support.service.rest import Rest, assert_problem, unique

PUT = "/v1/assets/by-external-id"


@pytest.fixture(scope="module")
def kind(rest: Rest) -> str:
    return rest.new_type()


def test_an_encoded_slash_belongs_to_the_project(rest: Rest, kind: str) -> None:
    project, name = unique("p"), unique("c")
    other = rest.put(f"{PUT}/{project}/b/{name}", json={"type": kind}).get_json()
    assert (other["project"], other["external_id"]) == (project, f"b/{name}")
    made = rest.put(f"{PUT}/{project}%2Fb/{name}", json={"type": kind})
    assert made.status_code == 201, made.text
    assert (made.get_json()["project"], made.get_json()["external_id"]) == (f"{project}/b", name)
    assert rest.get(f"/v1/assets/{other['id']}").get_json()["revision"] == 1


@pytest.mark.parametrize(
    ("sent", "external_id"),
    [
        ("a%2Fb", "a/b"),
        ("a/b", "a/b"),
        ("..", ".."),
        ("a/../b/.", "a/../b/."),
        ("%2e%2E/%61", "../a"),
        ("a//b/", "a//b/"),
        ("%252F%3F%23%0A+", "%2F?#\n+"),
        ("%F0%9F%98%80", "😀"),
    ],
)
def test_external_ids_are_what_the_path_says(rest: Rest, kind: str, sent: str, external_id: str) -> None:
    project = unique("p")
    made = rest.put(f"{PUT}/{project}/{sent}", json={"type": kind})
    assert made.status_code == 201, made.text
    assert made.get_json()["external_id"] == external_id
    assert rest.put(f"{PUT}/{project}/{sent}", json={"name": "again"}).get_json()["id"] == made.get_json()["id"]


def test_there_is_one_path_to_each_route(rest: Rest, kind: str) -> None:
    for path in ("//v1/types", "/%2fv1/types", "/v1%2Ftypes", "/x/../v1/types", "/v1//types", f"/v1/types%2F{kind}"):
        assert_problem(rest.get(path), 404, "not-found")
    for path in (f"/v1/types/{kind}", f"/%76%31/types/{kind}", f"/v1/types/%{ord(kind[0]):x}{kind[1:]}"):
        assert rest.get(path).status_code == 200, path
    assert_problem(rest.get("/v1/types/%ff"), 400, "bad-request")
