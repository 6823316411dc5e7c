"""What has to be in a query beside what decides which documents match."""

from amp.adapters.elasticsearch.criteria_query import root_query
from amp.domain.criteria import EVERYTHING, EntryExists, NotOf, Range, RootField, RootMatches


def test_a_time_range_is_also_sent_as_a_date_to_skip_whole_buckets() -> None:
    since = RootMatches(RootField.CREATED, (Range(5, 9, high_open=True),))
    bounds = {"gte": 5, "lt": 9}
    assert root_query(since, all_versions=False)["bool"]["filter"][1] == {
        "bool": {"filter": [{"range": {"created_ms": bounds}}, {"range": {"created": bounds}}]}
    }


def test_a_root_filter_stands_beside_every_criterion() -> None:
    for criteria in (EVERYTHING, EntryExists("codec"), NotOf(EntryExists("codec"))):
        assert root_query(criteria, all_versions=False)["bool"]["filter"][0] == {"term": {"latest": True}}
        assert root_query(criteria, all_versions=True)["bool"]["filter"][0] == {"term": {"deleted": False}}
