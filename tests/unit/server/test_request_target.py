"""A request target in absolute form means its path and query (RFC 9112, 3.2.2)."""

import pytest

from amp.api.errors import BadRequest
from amp.server.request_reader import origin_form


@pytest.mark.parametrize(
    ("sent", "target"),
    [
        (b"http://example.org/a%2Fb?q=1/2", "/a%2Fb?q=1/2"),
        (b"HTTPS://example.org", "/"),
        (b"http://example.org?q=1/2", "/?q=1/2"),
        (b"/a//b?http://c", "/a//b?http://c"),
    ],
)
def test_a_target_is_its_path_and_query(sent: bytes, target: str) -> None:
    assert origin_form(sent) == target


@pytest.mark.parametrize("sent", [b"*", b"example.org:80", b"ftp://example.org/a", b"/a#b", "/ä".encode()])
def test_other_targets_are_refused(sent: bytes) -> None:
    with pytest.raises(BadRequest):
        origin_form(sent)
