"""Index templates of Elasticsearch that would let a write through a stale alias create an index."""

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any

from amp.adapters.elasticsearch.client import ElasticsearchClient
from amp.adapters.elasticsearch.errors import translated
from amp.adapters.elasticsearch.template import index_template, template_name
from amp.domain.buckets import index_name
from amp.ports.creation_guard import Gap


class ElasticsearchCreationGuard:
    """A bulk delete ignores `require_alias`. Only `allow_auto_create: false` in our template keeps it from creating an
    index. Of several matching templates, only the one with the highest priority counts.
    """

    def __init__(self, client: ElasticsearchClient) -> None:
        self._client = client
        self._name = template_name(client.settings)

    def gaps(self) -> list[Gap]:
        with translated("read index templates"):
            answer = self._client.api.indices.get_index_template(filter_path=_READ).body
        templates = {entry["name"]: entry["index_template"] for entry in answer.get("index_templates", ())}
        ours = templates.pop(self._name, None)
        gaps = []
        if ours is None:
            gaps.append(Gap(self._name, "the index template is missing", ours=True))
        elif ours.get("allow_auto_create") is not False:
            gaps.append(Gap(self._name, "the index template lets writes create indices", ours=True))
        our_priority = index_template(self._client.settings)["priority"]
        gaps += [
            Gap(
                name, "this index template takes precedence over that of AMP and lets writes create indices", ours=False
            )
            for name, template in templates.items()
            if template.get("priority", 0) > our_priority and self._lets_create(template)
        ]
        return gaps

    def close(self) -> None:
        with translated("install the index template"):
            self._client.api.indices.put_index_template(
                name=self._name, body=index_template(self._client.settings), create=False
            )

    def _lets_create(self, template: Mapping[str, Any]) -> bool:
        example = index_name(self._client.prefix, 0, 1)
        matches = any(fnmatchcase(example, pattern) for pattern in template["index_patterns"])
        return matches and template.get("allow_auto_create") is not False


_READ = [
    f"index_templates.{path}"
    for path in (
        "name",
        "index_template.index_patterns",
        "index_template.priority",
        "index_template.allow_auto_create",
    )
]
