"""Which hosts are answered to, and from which origins things may be changed."""

import pytest
from flask import Flask

from amp.api.errors import register_error_handlers
from amp.api.origins import check_origins


def app(hosts: tuple[str, ...] = ("assets.example.org",), origins: tuple[str, ...] = ()) -> Flask:
    made = Flask(__name__)
    register_error_handlers(made)
    check_origins(made, hosts, origins)
    made.add_url_rule("/", view_func=lambda: "done", methods=["GET", "POST", "DELETE"])
    return made


def status(made: Flask, method: str = "GET", **headers: str) -> int:
    return made.test_client().open("/", method=method, headers=headers).status_code


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "localhost:8080",
        "127.0.0.1:8080",
        "[::1]:8080",
        "10.1.2.3",
        "assets.example.org",
        "ASSETS.example.org.:1",
    ],
)
def test_known_hosts_and_addresses_are_answered_to(host: str) -> None:
    assert status(app(), Host=host) == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "a@localhost", "", "x y"]
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_other_hosts_are_refused(host: str, method: str) -> None:
    assert status(app(), method, Host=host) == 421
    assert status(app(("*",)), method, Host=host) == 200


@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_foreign_origins_cannot_change_things(method: str) -> None:
    foreign = ("https://evil.example", "null", "http://localhost:9999", "http://localhost.evil.example", "file://", "")
    for origin in foreign:
        assert status(app(), method, Host="localhost:8080", Origin=origin) == 403, origin
        assert status(app(), "GET", Host="localhost:8080", Origin=origin) == 200
        assert status(app(origins=("*",)), method, Host="localhost:8080", Origin=origin) == 200
    assert status(app(origins=("https://good.example",)), method, Origin="https://good.example") == 200


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("http://localhost:8080", "localhost:8080"),
        ("https://assets.example.org", "assets.example.org:443"),
        ("http://ASSETS.example.org:80", "assets.example.org"),
    ],
)
def test_pages_of_the_service_itself_can_change_things(origin: str, host: str) -> None:
    assert status(app(), "POST", Host=host, Origin=origin) == 200


def test_clients_without_an_origin_are_served() -> None:
    assert status(app(), "POST", Host="localhost") == 200
