"""Makes the search documents of one asset from its head and its versions."""

from collections.abc import Collection, Sequence

import orjson

from amp.domain.assets import Asset, Scope, Version, asset_json, version_json
from amp.domain.documents import IndexedDocument, dropped_document, head_document, superseded_document
from amp.domain.messages import AssetChanged
from amp.errors import TypeNotFound
from amp.services.indexing.write_documents import AssetDocuments
from amp.services.types.catalog import TypeCatalog


class DocumentBuilder:
    def __init__(self, catalog: TypeCatalog, versions_kept: int) -> None:
        self._catalog = catalog
        self._versions_kept = versions_kept

    def older(self, head: Asset) -> range:
        """The versions under the head's that have a document."""
        return head.superseded(self._versions_kept)

    def wanted(self, head: Asset, events: Sequence[AssetChanged]) -> Sequence[int]:
        """The versions under the head's whose documents these events call for, in order; without events all of them."""
        older = self.older(head)
        if not older or not events or any(event.scope is Scope.ALL for event in events):
            return older
        named = {version for event in events for version in (event.version - 1, event.version)}
        return sorted(version for version in named if version in older)

    def make(self, head: Asset, versions: Collection[Version], events: Sequence[AssetChanged] | None) -> AssetDocuments:
        """The documents of these versions and of the head, and the tombstones of versions that the events drop.

        :param events: None: of these versions alone.
        """
        try:
            documents = self._superseded(head, versions)
            if events is not None:
                documents += self._dropped(head, events)
                head_type = self._catalog.version(head.type, head.type_version)
                documents.append(head_document(head, head_type, orjson.dumps(asset_json(head))))
        except TypeNotFound as e:
            return AssetDocuments(head.id, head.created_ms, (), rejected=str(e))
        return AssetDocuments(head.id, head.created_ms, tuple(documents))

    def _superseded(self, head: Asset, versions: Collection[Version]) -> list[IndexedDocument]:
        return [
            superseded_document(head, version, self._catalog.version(head.type, version.type_version), source)
            for version in versions
            for source in [orjson.dumps(version_json(head, version))]
        ]

    def _dropped(self, head: Asset, events: Sequence[AssetChanged]) -> list[IndexedDocument]:
        dropped = {version for event in events if (version := event.version - self._versions_kept) > 0}
        if not dropped:
            return []
        # An event from before a purge may be about a higher version than the asset has now.
        kept_from = self.older(head).start
        return [dropped_document(head, version) for version in sorted(dropped) if version < kept_from]
