"""The undecoded path of a request."""

import pytest
from flask import Flask, request

from amp.api.raw_path import raw_path


@pytest.mark.parametrize(
    ("sent", "path"),
    [
        ("/v1/assets/by-external-id/a%2Fb/c", "/v1/assets/by-external-id/a%2Fb/c"),
        ("/v1//x/../%2e%2E/?a=/b", "/v1//x/../%2e%2E/"),
        ("/", "/"),
        ("/a%23b%3Fc#d", "/a%23b%3Fc"),
    ],
)
def test_the_path_is_as_it_was_sent(sent: str, path: str) -> None:
    assert raw_path({"RAW_URI": sent}) == path


def test_the_test_client_gives_the_path_as_it_was_sent() -> None:
    with Flask(__name__).test_request_context("/v1/a%2Fb//c%20?q=%2F"):
        assert raw_path(request.environ) == "/v1/a%2Fb//c%20"
