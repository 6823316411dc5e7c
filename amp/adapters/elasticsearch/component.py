"""Elasticsearch as operations see it: whether it answers, and the index template."""

from elasticsearch import NotFoundError

from amp.adapters.elasticsearch.client import ElasticsearchClient
from amp.adapters.elasticsearch.errors import translated
from amp.adapters.elasticsearch.template import index_template, template_name
from amp.addresses import masked

_PING_TIMEOUT_S = 2


class ElasticsearchComponent:
    name = "search"

    def __init__(self, client: ElasticsearchClient) -> None:
        self._client = client

    def ping(self) -> str:
        with translated("ping"):
            api = self._client.api.options(request_timeout=_PING_TIMEOUT_S)
            answer = api.nodes.info(
                node_id="_local", metric="_none", filter_path=["cluster_name", "nodes.*.version"]
            ).body
        (node,) = answer["nodes"].values()
        address = masked(self._client.settings.elasticsearch_url)
        return f"Elasticsearch {node['version']}, cluster {answer['cluster_name']}, {address}"

    def pending(self) -> list[str]:
        template = index_template(self._client.settings)
        content = template["_meta"]["content"]
        if self._installed_content() == content:
            return []
        return [f"install index template {template_name(self._client.settings)} ({content})"]

    def migrate(self) -> list[str]:
        pending = self.pending()
        if pending:
            settings = self._client.settings
            with translated("install the index template"):
                self._client.api.indices.put_index_template(
                    name=template_name(settings), body=index_template(settings), create=False
                )
        return [line.replace("install", "installed", 1) for line in pending]

    def close(self) -> None:
        self._client.close()

    def _installed_content(self) -> str | None:
        """Return the content hash of the installed template; None if it is missing or was not installed by AMP."""
        with translated("read the index template"):
            try:
                answer = self._client.api.indices.get_index_template(name=template_name(self._client.settings)).body
            except NotFoundError:
                return None
        meta = answer["index_templates"][0]["index_template"].get("_meta", {})
        content: str | None = meta.get("content")
        return content
