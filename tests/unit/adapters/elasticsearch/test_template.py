"""The index template holds exactly what search documents hold."""

from typing import Any

from amp.adapters.elasticsearch.template import index_template
from amp.domain.documents import Entry, SearchDocument
from amp.settings import load_settings


def mapping(**settings: object) -> dict[str, Any]:
    found: dict[str, Any] = index_template(load_settings(settings))["template"]["mappings"]
    return found


def test_every_field_of_a_document_is_mapped_and_no_other() -> None:
    assert set(mapping()["properties"]) == set(SearchDocument.__annotations__)
    assert set(mapping()["properties"]["metadata"]["properties"]) == set(Entry.__annotations__)


def test_an_unknown_field_is_refused_and_no_value_is_silently_left_out() -> None:
    assert mapping()["dynamic"] == "strict"
    assert "ignore_" not in str(mapping())


def test_shards_replicas_and_refresh_come_from_the_settings() -> None:
    template = index_template(
        load_settings(
            {
                "elasticsearch_shards": 3,
                "elasticsearch_replicas": 2,
                "elasticsearch_refresh_interval": "500ms",
                "elasticsearch_index_prefix": "films",
            }
        )
    )
    index = template["template"]["settings"]["index"]
    assert index == {"number_of_shards": 3, "number_of_replicas": 2, "refresh_interval": "500ms"}
    assert template["index_patterns"] == ["films-*"]
    assert template["allow_auto_create"] is False


def test_another_content_has_another_mark() -> None:
    one, other = ({"elasticsearch_shards": 1}, {"elasticsearch_shards": 2})
    marks = [index_template(load_settings(given))["_meta"] for given in (one, one, other)]
    assert marks[0] == marks[1] != marks[2]
