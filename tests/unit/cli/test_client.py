"""The CLI's client repeats what is safe to repeat, and says in a line what went wrong."""

import httpx
import pytest
import tenacity.nap

from amp.cli.client import AmpClient, ServiceError, Unreachable

_BUSY = httpx.Response(503, json={"title": "Busy", "detail": "the store does not answer"})
_REFUSED = httpx.ConnectError("connection refused")
_DONE = httpx.Response(200, json={"done": True})


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tenacity.nap.time, "sleep", lambda _: None)


class Server:
    """Gives these answers, one after another."""

    def __init__(self, *answers: httpx.Response | Exception) -> None:
        self.answers = list(answers)
        self.requests: list[httpx.Request] = []
        self.client = AmpClient(httpx.Client(transport=httpx.MockTransport(self._answer), base_url="http://amp"), "it")

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def test_a_read_is_repeated_while_the_service_is_busy_or_away() -> None:
    server = Server(_BUSY, _REFUSED, _DONE)
    assert server.client.get("/x", size=1, cursor=None) == {"done": True}
    assert [str(request.url) for request in server.requests] == ["http://amp/x?size=1"] * 3


def test_repeating_has_an_end() -> None:
    server = Server(*[_BUSY] * 9)
    with pytest.raises(ServiceError, match=r"the store does not answer \(503\)"):
        server.client.get("/x")
    assert len(server.requests) == 5


def test_a_write_that_may_have_happened_is_not_repeated() -> None:
    server = Server(_REFUSED, _DONE)
    with pytest.raises(Unreachable, match="no AMP server answers at it: connection refused"):
        server.client.call("POST", "/x", body={})
    assert len(server.requests) == 1


def test_a_refusal_is_not_repeated_and_names_each_place() -> None:
    faults = [{"pointer": "/a", "detail": "is bad"}, {"pointer": "/b", "detail": "is worse"}]
    server = Server(httpx.Response(422, json={"detail": "/a: is bad", "errors": faults}))
    with pytest.raises(ServiceError) as refused:
        server.client.get("/x")
    assert refused.value.message == "/a: is bad (422)\n  /b: is worse"
    assert (refused.value.status, len(server.requests)) == (422, 1)


def test_an_answer_that_is_no_problem_document_is_quoted() -> None:
    server = Server(httpx.Response(502, text="<h1>Bad Gateway</h1>"))
    with pytest.raises(ServiceError, match=r"<h1>Bad Gateway</h1> \(502\)"):
        server.client.get("/x")


def test_pages_follow_the_cursor_to_the_end() -> None:
    answers = [{"items": [1, 2], "next_cursor": "c"}, {"items": [3], "next_cursor": None}]
    server = Server(*[httpx.Response(200, json=answer) for answer in answers])
    assert list(server.client.pages("/x", limit=2)) == [1, 2, 3]
    assert str(server.requests[1].url) == "http://amp/x?cursor=c&limit=2"
