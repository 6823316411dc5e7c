"""Example request bodies of the OpenAPI document. Each is accepted as it stands if the example type is registered."""

from typing import Any

Example = dict[str, Any]

CLIP_TYPE: Example = {
    "name": "clip",
    "description": "One take of one camera.",
    "fields": {"cameraId": {"type": "long"}, "codec": {"type": "string"}, "shot": {"type": "date"}},
}
WIDER_CLIP_TYPE: Example = {"fields": CLIP_TYPE["fields"] | {"width": {"type": "long", "unit": "px", "minimum": 1}}}
CLIP: Example = {
    "type": "clip",
    "name": "Night river",
    "metadata": {"cameraId": 42323243, "codec": "av1", "shot": "2026-11-20"},
    "labels": ["night"],
}
CLIPS: list[Example] = [CLIP, CLIP | {"name": "Day river", "labels": ["day"]}]
CLIP_REPLACEMENT: Example = {name: value for name, value in CLIP.items() if name != "type"}
CLIP_PATCH: Example = {"name": "Night river, take 2", "metadata": {"codec": "h264"}}
IDS: Example = {"ids": ["01a20098-4781-7609-87ce-1facf8d23cb3"]}
SEARCH: Example = {
    "query": {
        "all": [{"field": "metadata.cameraId", "eq": 42323243}, {"field": "metadata.codec", "prefix": "av"}],
    },
    "sort": [{"field": "metadata.shot", "order": "desc"}],
    "facets": {"codecs": {"field": "metadata.codec"}},
    "size": 20,
}
JOB: Example = {
    "kind": "update-metadata",
    "selector": {"type": "clip"},
    "parameters": {"set": {"codec": "av1"}},
    "dry_run": True,
}
JOB_PATCH: Example = {"rate": 500}
DRY_RUN: Example = {"dry_run": True}
ROLL: Example = {"at": "2100-01-01T00:00:00Z", "dry_run": True}
LAYOUT: Example = {"at": ["2024-01-01", "2025-01-01"], "dry_run": True}
RECONCILE: Example = {"heal": False}
DEAD_LETTERS: Example = {"reason": "mapper"}
