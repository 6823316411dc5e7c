"""Updates of content: which fields are set, removed, renamed and copied, the name, and labels."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from amp.domain.validation import escape_pointer


@dataclass(frozen=True, kw_only=True, slots=True)
class MetadataUpdate:
    """An update of metadata, name and labels. Metadata is updated in this order: copies, renames, removals, values set.
    Copies and renames use the values from before the update and skip fields without a value."""

    set: Mapping[str, Any] = field(default_factory=dict)
    remove: Sequence[str] = ()
    rename: Mapping[str, str] = field(default_factory=dict)  #: from the old name to the new
    copy: Mapping[str, str] = field(default_factory=dict)  #: from the field copied to its copy
    name: str | None = None  #: the new name; None: it stays
    add_labels: Sequence[str] = ()
    remove_labels: Sequence[str] = ()

    @property
    def is_empty(self) -> bool:
        """Whether the update says nothing to change."""
        fields = (self.set, self.remove, self.rename, self.copy, self.add_labels, self.remove_labels)
        return self.name is None and not any(fields)

    def apply_labels(self, labels: Sequence[str]) -> tuple[str, ...]:
        """Return the labels after the update, sorted."""
        return tuple(sorted((set(labels) - set(self.remove_labels)) | set(self.add_labels)))

    def apply(self, metadata: Mapping[str, Any]) -> dict[str, Any]:
        """Return the metadata after the update."""
        result = dict(metadata)
        for source, target in self.copy.items():
            if source in metadata:
                result[target] = metadata[source]
        for source in self.rename:
            result.pop(source, None)
        for source, target in self.rename.items():
            if source in metadata:
                result[target] = metadata[source]
        for key in self.remove:
            result.pop(key, None)
        result.update(self.set)
        return {key: value for key, value in result.items() if value is not None}

    def written(self) -> Iterator[tuple[str, str]]:
        """Yield each field that is written, with its place in the request."""
        for key in self.set:
            yield key, f"/parameters/set/{escape_pointer(key)}"
        for member, pairs in (("rename", self.rename), ("copy", self.copy)):
            for source, target in pairs.items():
                yield target, f"/parameters/{member}/{escape_pointer(source)}"

    def read(self) -> Iterator[tuple[str, str]]:
        """Yield each field that is read or removed, with its place in the request."""
        for i, key in enumerate(self.remove):
            yield key, f"/parameters/remove/{i}"
        for member, pairs in (("rename", self.rename), ("copy", self.copy)):
            for source in pairs:
                yield source, f"/parameters/{member}/{escape_pointer(source)}"
