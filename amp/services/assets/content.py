"""Validates content against its type and the limits, and converts it to canonical form."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from amp.domain.assets import Value
from amp.domain.changes import Content
from amp.domain.limits import AssetLimits
from amp.domain.types import AssetType
from amp.domain.validation import conform_metadata, text_faults
from amp.errors import Fault, Unprocessable
from amp.services.types.catalog import TypeCatalog


@dataclass(frozen=True, kw_only=True)
class ContentValidation:
    """Validates names, labels and metadata of all requests, imports and jobs. There is no other validation of them."""

    catalog: TypeCatalog
    limits: AssetLimits

    def check(
        self,
        type_name: str,
        name: str,
        metadata: Mapping[str, Any],
        labels: Sequence[str],
        since_s: float | None = None,
    ) -> Content:
        """Return the content in canonical form, under the newest version of its type.

        Before anything is refused the registry is read, unless it was read after `since_s` (the clock's monotonic
        time; None: now), so that a request of many items reads it once.

        :raises Unprocessable: it is not valid, or there is no such type; the error names every fault and its place. Of
            too many labels, it names the number only.
        :raises StoreUnavailable: the type is not cached, and the registry does not answer.
        """
        count = len(set(labels))
        faults = text_faults(iter([("/name", name)]), self.limits.name_bytes)
        if count > self.limits.labels:
            # The labels themselves are not checked, because a bulk may have a great many of them.
            faults.append(Fault("/labels", f"has {count} labels; at most {self.limits.labels} are allowed"))
        else:
            faults += text_faults(((f"/labels/{i}", label) for i, label in enumerate(labels)), self.limits.name_bytes)
        reads = self.catalog.reads
        asset_type, canonical, misfits = self._conform(type_name, metadata)
        if misfits:
            self.catalog.read_since(since_s)
            if self.catalog.reads != reads:
                asset_type, canonical, misfits = self._conform(type_name, metadata)
        faults += misfits
        unique = () if faults else tuple(sorted(set(labels)))
        size = 0 if faults else len(orjson.dumps([name, unique, canonical]))
        if size > self.limits.asset_bytes:
            faults.append(Fault("", f"is {size} bytes of JSON; at most {self.limits.asset_bytes} are allowed"))
        if faults or asset_type is None:
            raise Unprocessable(f"the asset does not fit type {type_name[:128]} or the limits", faults)
        return Content(name=name, metadata=canonical, labels=unique, type_version=asset_type.version)

    def _conform(
        self, type_name: str, metadata: Mapping[str, Any]
    ) -> tuple[AssetType | None, dict[str, Value], Sequence[Fault]]:
        """Return the cached type, the canonical metadata, and the faults."""
        asset_type = self.catalog.known(type_name)
        if asset_type is None:
            return None, {}, [Fault("/type", f"there is no asset type {type_name[:128]!r}")]
        try:
            return asset_type, conform_metadata(metadata, asset_type, self.limits), ()
        except Unprocessable as e:
            return asset_type, {}, e.faults
