"""The type of the imported assets, which is registered when the first row fits it."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from amp.cli.client import AmpClient, ServiceError, type_path
from amp.cli.importing.refused import ImportRefused
from amp.domain.limits import AssetLimits
from amp.domain.storable_text import storable
from amp.domain.types import KEY, AssetType, Field, FieldType, type_from_json
from amp.domain.validation import conform_metadata
from amp.errors import Unprocessable

_LIMITS = AssetLimits()


@dataclass
class ProposedType:
    """A type as it is registered, or as it will be."""

    client: AmpClient
    json: dict[str, Any]  #: The type in the form of the API.
    registered: bool

    @property
    def fields(self) -> dict[str, Field]:
        """The fields by name, with their types only."""
        return {
            name: Field(type=FieldType(declared["type"]), array=declared.get("array", False))
            for name, declared in self.json["fields"].items()
        }

    def misfit(self, metadata: Mapping[str, Any]) -> str | None:
        """Return why the metadata does not fit the type, as the service would say it; None if it fits."""
        try:
            conform_metadata(metadata, self._asset_type, _LIMITS)
        except Unprocessable as e:
            return "; ".join(f"{fault.pointer}: {fault.detail}" for fault in e.faults) or e.message
        return None

    @cached_property
    def _asset_type(self) -> AssetType:
        """The proposed type. Registering it does not change its fields."""
        complete = {"version": 1, "description": "", "created_at": "1970-01-01", "created_by": ""} | self.json
        return type_from_json(complete)

    def register(self) -> None:
        """Register the type if it is not registered as it should be.

        :raises AmpError: the service refuses the type.
        """
        if self.registered:
            return
        body = {"description": self.json.get("description", ""), "fields": self.json["fields"]}
        if "version" in self.json:
            self.json = self.client.call("PUT", type_path(self.json["name"]), body=body, repeatable=True)
        else:
            self.json = self.client.call("POST", "/v1/types", body={"name": self.json["name"]} | body)
        self.registered = True


def registered_type(client: AmpClient, name: str) -> dict[str, Any] | None:
    """Return the newest version of the type, or None if there is none of that name."""
    try:
        found: dict[str, Any] = client.get(type_path(name))
    except ServiceError as e:
        if e.status == 404:
            return None
        raise
    return found


def proposed_type(
    client: AmpClient,
    name: str,
    existing: dict[str, Any] | None,
    inferred: Mapping[str, Field],
    labels: Mapping[str, str],
) -> ProposedType:
    """Return the type with the fields that it declares already, and the inferred ones that it lacks.

    :param labels: the names by which people know the fields.
    :raises ImportRefused: `name` cannot be the name of a type.
    """
    if existing is None and not KEY.fullmatch(name):
        raise ImportRefused(
            f"--type {name}: the name of a type must start with a letter, followed by letters, digits, '_', '.' and '-'"
        )
    declared = {} if existing is None else existing["fields"]
    added = {key: _field_json(field, labels.get(key)) for key, field in inferred.items() if key not in declared}
    json = (existing or {"name": name}) | {"fields": added | declared}
    return ProposedType(client, json, registered=existing is not None and not added)


def _field_json(field: Field, label: str | None) -> dict[str, Any]:
    json: dict[str, Any] = {"type": field.type.value}
    if field.array:
        json["array"] = True
    if label is not None:
        json["label"] = storable(label).encode()[: _LIMITS.name_bytes].decode(errors="ignore")
    return json
