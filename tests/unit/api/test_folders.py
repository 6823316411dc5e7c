"""A request for a data folder other than the served one is refused, and a response names the folder."""

import shutil
from pathlib import Path

from flask import Flask
from flask.testing import FlaskClient

from amp.api.errors import register_error_handlers
from amp.api.folders import check_folder
from amp.data_folder import FOLDER_HEADER, LOCK_FILE, folder_identity


def client(served: str | None) -> FlaskClient:
    app = Flask(__name__)
    register_error_handlers(app)
    check_folder(app, served)
    app.add_url_rule("/", view_func=lambda: "done", methods=["GET", "POST"])
    return app.test_client()


def test_a_request_for_another_folder_is_refused() -> None:
    assert client("mine").post("/", headers={FOLDER_HEADER: "other"}).status_code == 421
    assert client(None).post("/", headers={FOLDER_HEADER: "other"}).status_code == 421
    assert client("mine").post("/").status_code == 200


def test_an_answer_names_the_folder_to_those_who_ask() -> None:
    answer = client("mine").post("/", headers={FOLDER_HEADER: "mine"})
    assert (answer.status_code, answer.headers[FOLDER_HEADER]) == (200, "mine")
    assert FOLDER_HEADER not in client("mine").get("/").headers


def test_a_copy_of_a_folder_and_a_new_one_in_its_place_are_others(tmp_path: Path) -> None:
    first, copy = tmp_path / "first", tmp_path / "copy"
    first.mkdir()
    assert folder_identity(first) is None
    (first / LOCK_FILE).touch()
    before = folder_identity(first)
    shutil.copytree(first, copy)
    assert before is not None
    assert folder_identity(copy) not in (None, before)
    first.rename(tmp_path / "moved")
    assert folder_identity(tmp_path / "moved") == before
    first.mkdir()
    (first / LOCK_FILE).touch()
    assert folder_identity(first) != before
