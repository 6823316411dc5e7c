"""The index template of the buckets: one fixed mapping for all types (ADR 003)."""

import hashlib
from typing import Any

import orjson

from amp.resources import resource_folder
from amp.settings import Settings


def index_template(settings: Settings) -> dict[str, Any]:
    """Return the whole template. Its `_meta` has a hash of the content, by which an outdated template is detected."""
    template: dict[str, Any] = orjson.loads((resource_folder("index_templates") / "assets.json").read_bytes())
    template["index_patterns"] = [f"{settings.elasticsearch_index_prefix}-*"]
    template["template"]["settings"] = {
        "index": {
            "number_of_shards": settings.elasticsearch_shards,
            "number_of_replicas": settings.elasticsearch_replicas,
            # With the default, a shard that was not searched for 30 s stops refreshing, and the next search waits.
            "refresh_interval": settings.elasticsearch_refresh_interval,
        }
    }
    content = orjson.dumps(template, option=orjson.OPT_SORT_KEYS)
    template["_meta"] = {"content": hashlib.sha256(content).hexdigest()[:12]}
    return template


def template_name(settings: Settings) -> str:
    return f"{settings.elasticsearch_index_prefix}-assets"
