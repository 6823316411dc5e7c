"""Passes requests to the API, each in a thread of the pool for its kind, and refuses other requests with a problem."""

import functools

import structlog

from amp.api.errors import InternalServerError, problem_response
from amp.errors import AmpError
from amp.metrics import Metrics
from amp.server.messages import HttpRequest, HttpResponse
from amp.server.pools import Pools
from amp.server.wsgi import Application, call

_log = structlog.get_logger("amp.access")


class Front:
    """The handler of the requests of all connections."""

    def __init__(self, app: Application, pools: Pools, metrics: Metrics) -> None:
        self._app = app
        self._pools = pools
        self._metrics = metrics

    async def answer(self, request: HttpRequest) -> HttpResponse:
        """Return the API's response.

        :raises Overloaded: no thread became free in time.
        """
        return await self._pools.pool_for(request).run(functools.partial(call, self._app, request))

    def refuse(self, error: Exception) -> HttpResponse:
        """Return the problem response to a request that the API has not processed."""
        known = (
            error if isinstance(error, AmpError) else InternalServerError("an unexpected error occurred on the server")
        )
        status, headers, body = problem_response(known)
        self._metrics.requests.labels("(none)", "(other)", status).inc()
        _log.info("request refused", action="request_refused", status=status, reason=known.message)
        encoded = tuple((name.encode(), value.encode("latin-1")) for name, value in headers.items())
        return HttpResponse(
            status=status, reason="", headers=(*encoded, (b"content-length", b"%d" % len(body))), body=body
        )
