"""The totals of one asset of the store, as the index computes them over its documents."""

from amp.domain.assets import Asset, State
from amp.ports.bucket_documents import Totals


def totals_of(head: Asset, versions_kept: int) -> Totals:
    """Return the totals of the documents that the asset should have.

    :param versions_kept: maximum number of superseded versions that the index keeps.
    """
    deleted = head.state is not State.ACTIVE
    superseded = range(0) if deleted else head.superseded(versions_kept)
    return Totals(
        heads=1,
        deleted=int(deleted),
        revisions=head.revision,
        versions=head.version + sum(superseded),
        superseded=len(superseded),
        created=head.created_ms * (1 + len(superseded)),
    )
