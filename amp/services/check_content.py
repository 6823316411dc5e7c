"""Checks content against its type and the limits, and brings it into canonical form."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from amp.domain.changes import Content
from amp.domain.limits import AssetLimits
from amp.domain.types import AssetType
from amp.domain.validation import conform_metadata, text_faults
from amp.errors import Fault, TypeNotFound, Unprocessable
from amp.services.type_catalog import TypeCatalog


class CheckContent:
    """The one gate that names, labels and metadata go through, whichever way they come in."""

    def __init__(self, catalog: TypeCatalog, limits: AssetLimits) -> None:
        self._catalog = catalog
        self.limits = limits

    def check(self, type_name: str, name: str, metadata: Mapping[str, Any], labels: Sequence[str]) -> Content:
        """The content in canonical form, under the newest version of its type.

        :raises Unprocessable: with every fault and its place; there being no such type is one.
        :raises StoreUnavailable: the type is not known here, and the registry does not answer.
        """
        unique = tuple(sorted(set(labels)))
        faults = text_faults(iter([("/name", name)]), self.limits.name_bytes)
        faults += text_faults(((f"/labels/{i}", label) for i, label in enumerate(labels)), self.limits.name_bytes)
        if len(unique) > self.limits.labels:
            faults.append(Fault("/labels", f"has {len(unique)} labels; at most {self.limits.labels} are allowed"))
        try:
            asset_type = self._catalog.newest(type_name)
        except TypeNotFound as e:
            raise Unprocessable(e.message, [*faults, Fault("/type", e.message)]) from e
        if any(key not in asset_type.fields for key in metadata):
            asset_type = self._catalog.refresh().get(type_name, asset_type)
        canonical = self._conform(metadata, asset_type, faults)
        size = len(orjson.dumps([name, unique, canonical])) if not faults else 0
        if size > self.limits.asset_bytes:
            faults.append(Fault("", f"is {size} bytes of JSON; at most {self.limits.asset_bytes} are allowed"))
        if faults:
            raise Unprocessable(f"the asset does not fit type {type_name} or the limits", faults)
        return Content(name=name, metadata=canonical, labels=unique, type_version=asset_type.version)

    def _conform(self, metadata: Mapping[str, Any], asset_type: AssetType, faults: list[Fault]) -> dict[str, Any]:
        try:
            return dict(conform_metadata(metadata, asset_type, self.limits))
        except Unprocessable as e:
            faults += e.faults
            return {}
