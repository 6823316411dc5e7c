"""Random datasets in a real search index, and its answers compared with an oracle's."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

import orjson

from amp.domain.buckets import Bucket
from amp.domain.criteria import IndexQuery, SearchPage
from amp.ports.search_index import Put, WriteStatus
from tests.support.oracle.datasets import BOUNDARY_MS, Dataset
from tests.support.oracle.items import Answer
from tests.support.search.profiles import SearchProfile


class OracleIndex:
    """A search index with two buckets that datasets are put into, each beside the others."""

    def __init__(self, search_profile: SearchProfile) -> None:
        self._profile = search_profile
        self.index = search_profile.index
        boundary_s = BOUNDARY_MS // 1000
        self._old, self._new = search_profile.bucket(0, boundary_s), search_profile.bucket(boundary_s)

    def put(self, dataset: Dataset, misplaced: bool) -> None:
        """Every document into its bucket; `misplaced`: into the other one as well, where no search may see it."""
        puts = []
        for created_ms, document in dataset.documents():
            for bucket in (self._old, self._new):
                if misplaced or bucket is self._bucket_of(created_ms):
                    puts.append(Put(bucket.write_alias, document))
        results = self.index.put(puts)
        assert {result.status for result in results} <= {WriteStatus.DONE}, results
        self._profile.indices.refresh([self._old.index, self._new.index])

    def _bucket_of(self, created_ms: int) -> Bucket:
        return self._new if created_ms >= BOUNDARY_MS else self._old

    def pages(self, request: IndexQuery) -> Iterator[SearchPage]:
        """All of them, one after the other."""
        while True:
            page = self.index.search(request)
            yield page
            if not page.more:
                return
            request = replace(request, after=page.hits[-1].sort)


def compare(pages: Iterable[SearchPage], expected: Answer, size: int, total_limit: int | None) -> None:
    """All pages of an answer put together are the expected one."""
    pages = list(pages)
    found = [orjson.loads(hit.source) for page in pages for hit in page.hits]
    assert [(asset["id"], asset["version"]) for asset in found] == expected.matches
    assert all(len(page.hits) == size for page in pages[:-1])
    for page in pages:
        _compare_total(page, len(expected.matches), total_limit)
        assert {name: list(facet.values) for name, facet in page.facets.items()} == expected.facets
        assert not any(facet.approximate for facet in page.facets.values())


def _compare_total(page: SearchPage, expected: int, limit: int | None) -> None:
    assert page.total_is_exact == (limit is None or expected <= limit)
    if page.total_is_exact:
        assert page.total == expected
    else:
        assert limit is not None
        assert limit <= page.total <= expected
