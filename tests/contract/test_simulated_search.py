"""The twins keep the contract of the search ports, as both real sets do: the same tests, on twins nobody disturbs."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from amp.domain.criteria import IndexQuery, SearchPage
from tests.contract import test_bucket_document_revisions as document_revisions
from tests.contract import test_bucket_document_writes as document_writes
from tests.contract import test_bucket_documents as documents
from tests.contract import test_bucket_index_blocks as index_blocks
from tests.contract import test_bucket_indices as indices
from tests.support.search.profiles import SearchProfile
from tests.support.simulated.bucket_documents_twin import SimulatedBucketDocuments
from tests.support.simulated.bucket_indices_twin import SimulatedBucketIndices
from tests.support.simulated.cluster import SimulatedCluster
from tests.support.simulated.faults import Faults
from tests.support.simulated.scheduler import Actor, Scheduler
from tests.support.simulated.search_index_twin import SimulatedSearchIndex
from tests.support.simulated.stage import Stage

#: All but what asks for more than everything there is, for real time, or for what only servers have.
_CONTRACT = [
    indices.test_an_index_is_made_once_and_is_in_no_alias,
    indices.test_a_dropped_index_is_gone_with_its_aliases_and_a_repeat_is_fine,
    indices.test_making_an_index_again_keeps_what_it_holds,
    indices.test_info_counts_no_tombstones,
    indices.test_rotating_a_write_alias_refuses_writers_of_the_old_one,
    indices.test_a_change_that_misses_a_write_alias_changes_nothing_at_all,
    indices.test_a_change_that_names_an_index_that_is_not_there_is_refused_whole,
    indices.test_an_index_out_of_the_read_alias_is_hidden_and_a_repeat_is_fine,
    indices.test_an_alias_both_removed_and_added_is_only_looked_for,
    indices.test_an_empty_change_is_done_at_once,
    indices.test_a_narrowed_filter_replaces_the_one_before,
    index_blocks.test_a_blocked_index_answers_busy_until_it_is_unblocked,
    index_blocks.test_a_blocked_index_is_still_searched_and_its_aliases_still_change,
    indices.test_what_is_not_there_cannot_be_blocked_unblocked_served_or_reclaimed,
    indices.test_reclaiming_space_leaves_what_is_there,
    indices.test_refreshing_nothing_is_fine,
    documents.test_a_superseded_version_and_a_head_of_it_are_two_documents,
    documents.test_a_position_has_its_place_and_can_be_kept_as_json,
    documents.test_a_range_has_its_start_and_not_its_end,
    documents.test_a_page_without_bodies_is_otherwise_the_same,
    documents.test_pages_hold_what_was_refreshed_whether_searches_see_it_or_not,
    documents.test_a_mark_finds_exactly_what_was_written_after_it,
    documents.test_a_mark_holds_when_what_was_written_last_is_gone,
    document_writes.test_a_copied_tombstone_keeps_late_writes_out,
    document_writes.test_a_copy_overwrites_nothing_newer,
    document_writes.test_a_delete_removes_what_is_no_newer_and_is_done_where_nothing_is,
    document_writes.test_a_stale_alias_refuses_copies_and_deletes_and_nothing_is_made,
    document_writes.test_a_blocked_index_takes_neither_copies_nor_deletes,
    document_writes.test_writing_nothing_gives_nothing,
    documents.test_documents_are_given_with_their_bodies_in_order,
    documents.test_documents_that_changed_since_they_were_read_are_left_out,
    document_revisions.test_revisions_are_those_last_written_refreshed_or_not,
    document_revisions.test_slices_have_count_and_revision_sum_of_each_nonempty_part,
    document_revisions.test_the_median_parts_the_documents_in_halves,
]


class _AskedAtOnce(SimulatedSearchIndex):
    def search(self, request: IndexQuery) -> SearchPage:
        steps = self.search_in_steps(request)
        while True:
            try:
                next(steps)
            except StopIteration as end:
                return end.value


@pytest.fixture
def twins() -> SearchProfile:
    scheduler = Scheduler(1, Stage(), max_steps=1 << 30, faults=lambda _: Faults())
    scheduler.current = Actor("test")
    scheduler.actors.append(scheduler.current)
    scheduler.is_quiescent = lambda: False
    cluster = SimulatedCluster()
    documents = SimulatedBucketDocuments(scheduler, cluster)
    documents.max_bodies = 1_000
    return SearchProfile(
        index=_AskedAtOnce(scheduler, cluster),
        indices=SimulatedBucketIndices(scheduler, cluster),
        documents=documents,
        prefix="sim",
    )


@pytest.mark.parametrize("kept", _CONTRACT, ids=lambda test: test.__name__.removeprefix("test_"))
def test_twins_keep_the_contract(kept: Callable[[SearchProfile], None], twins: SearchProfile) -> None:
    kept(twins)
