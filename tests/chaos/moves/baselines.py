"""Workers that leave a safeguard out: `python -m tests.chaos.moves.baselines OMISSION KIND`."""

import sys
from typing import Any

from amp.adapters.elasticsearch import bucket_indices, bulk, search_index
from amp.ports.bucket_indices import ReadFilter
from amp.ports.search_index import Put
from amp.settings import Settings
from amp.worker import worker_main

_filter = bucket_indices._filter
_item = search_index._item
_template = bucket_indices.index_template


def unfiltered_alias() -> None:
    """Searches see all that lies in the indices of buckets, whether or not it is another's."""
    bucket_indices._filter = lambda read: _filter(ReadFilter(read.index, 0, None))


def real_deletes() -> None:
    """What is deleted is removed. Elasticsearch forgets that after 60 s, and at once when it restarts; nobody wants to
    wait for that here."""
    search_index._item = _delete_or_put
    bucket_indices.index_template = _forgetful_template


def _delete_or_put(put: Put) -> bytes:
    document = put.document
    if document.body["deleted"]:
        return bulk.delete_item(put.alias, document.doc_id, document.revision)
    return _item(put)


def _forgetful_template(settings: Settings) -> dict[str, Any]:
    template = _template(settings)
    template["template"]["settings"]["index"]["gc_deletes"] = "0s"
    return template


OMISSIONS = {omit.__name__: omit for omit in (unfiltered_alias, real_deletes)}

if __name__ == "__main__":
    omission, kind = sys.argv[1:]
    OMISSIONS[omission]()
    worker_main(kind)
