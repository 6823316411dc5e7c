"""The connection of a process to Elasticsearch: pooled, with timeouts, and with retries only on request."""

import math
import os
import threading
from collections.abc import Mapping
from typing import Any

from elasticsearch import Elasticsearch, OrjsonSerializer

from amp.adapters.elasticsearch.bounded_node import BoundedNode, answers_up_to
from amp.adapters.elasticsearch.errors import translated
from amp.adapters.elasticsearch.request_size import RequestSize
from amp.settings import Settings

_JSON = {"accept": "application/json", "content-type": "application/json"}
_NDJSON = {"accept": "application/json", "content-type": "application/x-ndjson"}


class ElasticsearchClient:
    """Connects on first use, and again after a fork: if two processes shared a socket, they would mix up answers."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.prefix = settings.elasticsearch_index_prefix
        self.read_alias = f"{self.prefix}-read"
        self.timeout_s = settings.elasticsearch_timeout_s
        #: Timeout on the server. It is shorter than the client's, so that the client receives the server's answer.
        self.server_timeout = f"{math.ceil(self.timeout_s * 800)}ms"
        self.request_size = RequestSize(self.timeout_s)
        self._lock = threading.Lock()
        self._pid = 0
        self._api: Elasticsearch | None = None
        #: Clients by timeout in seconds and number of retries, since creating one takes more than 0.1 ms.
        self._with_options: dict[tuple[int, int], Elasticsearch] = {}

    @property
    def api(self) -> Elasticsearch:
        """Return the driver, which retries nothing by itself."""
        if self._api is None or self._pid != os.getpid():
            with self._lock:
                if self._api is None or self._pid != os.getpid():
                    self._with_options = {}
                    self._api = _connect(self.settings)
                    self._pid = os.getpid()
        return self._api

    def read(
        self,
        action: str,
        path: str,
        body: bytes,
        *,
        params: Mapping[str, str],
        timeout_s: float | None = None,
        max_answer_bytes: int | None = None,
    ) -> dict[str, Any]:
        """Send a request in JSON that changes nothing, and return the answer. A refused or broken connection is retried
        once.

        :raises TooLarge: the request is too large, or the answer is larger than `max_answer_bytes`.
        :raises AmpError: as described in `translated`.
        """
        api = self._options(math.ceil(timeout_s or self.timeout_s), 1)
        with translated(action), answers_up_to(max_answer_bytes):
            content: dict[str, Any] = api.perform_request("POST", path, params=params, headers=_JSON, body=body).body
        return content

    def write(self, action: str, path: str, body: bytes, *, params: Mapping[str, str]) -> dict[str, Any]:
        """Send operations, one JSON value per line, and return the answer. Nothing is retried, as the first request
        may have been carried out.

        :raises TooLarge: the request is too large.
        :raises AmpError: as described in `translated`.
        """
        api = self._options(math.ceil(self.timeout_s), 0)
        with translated(action), answers_up_to(None):
            content: dict[str, Any] = api.perform_request("POST", path, params=params, headers=_NDJSON, body=body).body
        return content

    def close(self) -> None:
        if self._api is not None and self._pid == os.getpid():
            self._api.close()

    def _options(self, timeout_s: int, retries: int) -> Elasticsearch:
        api = self.api
        client = self._with_options.get((timeout_s, retries))
        if client is None:
            client = api.options(request_timeout=timeout_s, max_retries=retries)
            self._with_options[(timeout_s, retries)] = client
        return client


def _connect(settings: Settings) -> Elasticsearch:
    options: dict[str, Any] = {}
    if settings.elasticsearch_user is not None:
        password = settings.elasticsearch_password
        options["basic_auth"] = (settings.elasticsearch_user, password.get_secret_value() if password else "")
    if settings.elasticsearch_tls_ca is not None:
        options["ca_certs"] = str(settings.elasticsearch_tls_ca)
    return Elasticsearch(
        [url.strip() for url in settings.elasticsearch_url.split(",")],
        serializers={"application/json": OrjsonSerializer()},
        request_timeout=settings.elasticsearch_timeout_s,
        connections_per_node=max(settings.threads, 10),
        max_retries=0,
        retry_on_status=(),
        # A node that was down is retried soon; the default backoff grows to 30 s.
        max_dead_node_backoff=1,
        node_class=BoundedNode,
        **options,
    )
