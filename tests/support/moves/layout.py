"""Buckets as rolls and splits would leave them, without the time these take."""

from amp.bootstrap import Amp
from amp.domain.buckets import Bucket, BucketMap, index_name
from amp.ports.bucket_indices import AliasChange, ReadFilter


def lay_out(amp: Amp, starts_s: list[int]) -> None:
    """Empty buckets from these starts on, in place of all there is, whose documents are gone then."""
    prefix, before = amp.settings.elasticsearch_index_prefix, amp.adapters.buckets.load()
    assert before is not None
    token = before.generation + 1
    buckets = tuple(
        Bucket(start_s=start_s, index=index_name(prefix, start_s, token), token=token) for start_s in starts_s
    )
    after = BucketMap(generation=token, buckets=buckets)
    for bucket in buckets:
        amp.adapters.indices.create(bucket.index)
    reads = [
        ReadFilter(bucket.index, bucket.start_s * 1000, after.end_ms(position))
        for position, bucket in enumerate(buckets)
    ]
    writes = [(bucket.index, bucket.write_alias) for bucket in buckets]
    assert amp.adapters.indices.change_aliases(AliasChange(add_write=tuple(writes), set_read=tuple(reads)))
    assert amp.adapters.buckets.replace(after, expected_generation=before.generation)
    for info in amp.adapters.indices.info():
        if after.bucket_of(info.index) is None:
            amp.adapters.indices.drop(info.index)
