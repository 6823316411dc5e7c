"""Sets, removes, renames and copies metadata fields of many assets, and changes their names and labels."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from amp.domain.assets import Asset, Change, State
from amp.domain.changes import Stamp, replacement
from amp.domain.chunks import ItemResult
from amp.domain.job_parameters import AssetJobParameters
from amp.domain.jobs import AssetJob
from amp.domain.limits import MAX_FAULTS
from amp.domain.metadata_updates import MetadataUpdate
from amp.domain.types import AssetType
from amp.domain.validation import canonical_scalar, escape_pointer, misfit, text_faults
from amp.errors import Fault, Unprocessable
from amp.ports.clock import Clock
from amp.services.assets.content import ContentValidation
from amp.services.job_kinds.bulk_changes import BulkChanges
from amp.services.types.catalog import TypeCatalog


@dataclass(frozen=True, kw_only=True)
class MetadataUpdates:
    """A `Processor` that writes a new version of each asset, under the newest version of its type, unless the update
    changes nothing."""

    changes = True
    selects_mismatches = False

    bulk_changes: BulkChanges
    content_validation: ContentValidation
    catalog: TypeCatalog
    clock: Clock

    def check(self, parameters: AssetJobParameters) -> None:
        update, selector = parameters.options_as(MetadataUpdate), parameters.selector
        faults = list(_contradictions(update))
        if update.is_empty:
            members = "set, remove, rename, copy, name, add_labels or remove_labels"
            faults.append(Fault("/parameters", f"contains no update; give {members}"))
        faults += text_faults(_texts(update), self.content_validation.limits.name_bytes)
        since_s = self.clock.monotonic_s()
        for key, pointer in (*update.written(), *update.read()):
            if len(faults) >= MAX_FAULTS:
                break
            if not self.catalog.kinds(key, since_s):
                closest = self.catalog.closest_key(key)
                hint = f"; did you mean {closest!r}?" if closest else ""
                faults.append(Fault(pointer, f"no asset type has a field {key[:128]!r}{hint}"))
        if not faults:
            asset_type = None if selector.type is None else self.catalog.known(selector.type)
            faults += (
                self._misfits(update) if asset_type is None else _breaks(update, asset_type, self.content_validation)
            )
        if faults:
            raise Unprocessable("the update is not valid", faults)

    def process(self, job: AssetJob, ids: Sequence[UUID], stop: threading.Event) -> Mapping[UUID, ItemResult]:  # noqa: ARG002
        update = job.parameters.options_as(MetadataUpdate)
        # The types may have been read before the job was submitted. Read them again before assets fail.
        since_s = self.clock.monotonic_s()

        def step(before: Asset, stamp: Stamp) -> Change | str | None:
            if before.state is State.DELETED:
                return "it is deleted"
            name = before.name if update.name is None else update.name
            metadata, labels = update.apply(before.metadata), update.apply_labels(before.labels)
            if (name, metadata, labels) == (before.name, before.metadata, before.labels):
                return None
            content = self.content_validation.check(before.type, name, metadata, labels, since_s)
            return replacement(before, content, stamp, self.content_validation.limits.versions_kept)

        return self.bulk_changes.run(job, ids, step)

    def _misfits(self, update: MetadataUpdate) -> Iterator[Fault]:
        """Return the faults of values that no type accepts, where the types of the assets are unknown."""
        for key, value in update.set.items():
            values = value if isinstance(value, list) else [value]
            kinds = self.catalog.kinds(key)
            for scalar in values:
                reasons = []
                for kind in kinds:
                    try:
                        canonical_scalar(scalar, kind, self.content_validation.limits)
                    except ValueError as e:
                        reasons.append(str(e.args[-1]))
                if len(reasons) == len(kinds):
                    yield Fault(f"/parameters/set/{escape_pointer(key)}", reasons[0])


def _texts(update: MetadataUpdate) -> Iterator[tuple[str, str]]:
    """Yield the name and the labels of the update, with their places in the request."""
    yield "/parameters/name", update.name or ""
    for member, labels in (("add_labels", update.add_labels), ("remove_labels", update.remove_labels)):
        yield from ((f"/parameters/{member}/{i}", label) for i, label in enumerate(labels))


def _contradictions(update: MetadataUpdate) -> Iterator[Fault]:
    removed = set(update.remove_labels)
    for i, label in enumerate(update.add_labels):
        if label in removed:
            yield Fault(f"/parameters/add_labels/{i}", f"adds {label[:128]!r}, which is removed")
    targets: dict[str, str] = {}
    for key, pointer in update.written():
        if key in targets:
            yield Fault(pointer, f"writes {key[:128]!r}, which {targets[key]} also writes")
        targets[key] = pointer
    for i, key in enumerate(update.remove):
        if key in targets:
            yield Fault(f"/parameters/remove/{i}", f"removes {key[:128]!r}, which {targets[key]} writes")
        if key in update.rename:
            yield Fault(f"/parameters/remove/{i}", f"removes {key[:128]!r}, which is renamed")
    for what, pairs in (("rename", update.rename), ("copy", update.copy)):
        for source, target in pairs.items():
            if source == target:
                yield Fault(f"/parameters/{what}/{escape_pointer(source)}", f"{source[:128]!r} is its own target")


def _breaks(update: MetadataUpdate, asset_type: AssetType, content_validation: ContentValidation) -> Iterator[Fault]:
    """Return the faults that would make assets of this type invalid."""
    for key, pointer in (*update.written(), *update.read()):
        if key not in asset_type.fields:
            yield Fault(pointer, f"type {asset_type.name} has no field {key[:128]!r}")
    for key, value in update.set.items():
        if key in asset_type.fields and (why := misfit(value, asset_type.fields[key], content_validation.limits)):
            yield Fault(f"/parameters/set/{escape_pointer(key)}{why[0]}", why[1])
    for what, pairs in (("rename", update.rename), ("copy", update.copy)):
        for source, target in pairs.items():
            a, b = asset_type.fields.get(source), asset_type.fields.get(target)
            if a and b and (a.type, a.array) != (b.type, b.array):
                types = [f"{'array of ' if field.array else ''}{field.type}" for field in (a, b)]
                yield Fault(
                    f"/parameters/{what}/{escape_pointer(source)}", f"is {types[0]}, but {target[:128]!r} is {types[1]}"
                )
    gone = {key: f"/parameters/remove/{i}" for i, key in enumerate(update.remove)}
    gone |= {source: f"/parameters/rename/{escape_pointer(source)}" for source in update.rename}
    gone |= {key: f"/parameters/set/{escape_pointer(key)}" for key, value in update.set.items() if value in (None, [])}
    written = {key for key, _ in update.written()} - {key for key, value in update.set.items() if value in (None, [])}
    for key, pointer in gone.items():
        if key in asset_type.fields and asset_type.fields[key].required and key not in written:
            yield Fault(pointer, f"{key[:128]!r} is required by type {asset_type.name}")
