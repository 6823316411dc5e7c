"""Builds the services that create, change and read single assets."""

from dataclasses import dataclass

from amp.domain.limits import AssetLimits
from amp.profiles import Adapters
from amp.services.assets.claims import NameClaims
from amp.services.assets.content import ContentValidation
from amp.services.assets.create import AssetCreation
from amp.services.assets.edit import AssetEditing
from amp.services.assets.read import AssetReader
from amp.services.assets.release import NameRelease
from amp.services.assets.upsert import AssetUpsert
from amp.settings import Settings
from amp.wiring.outbox import OutboxServices
from amp.wiring.types import TypeServices


@dataclass(frozen=True, kw_only=True)
class AssetServices:
    validation: ContentValidation
    name_release: NameRelease
    creation: AssetCreation
    editing: AssetEditing
    reader: AssetReader
    upsert: AssetUpsert


def asset_limits(settings: Settings) -> AssetLimits:
    return AssetLimits(
        asset_bytes=settings.max_asset_bytes,
        versions_kept=settings.versions_kept,
        skew_ms=int(settings.id_skew_s * 1000),
    )


def asset_services(
    settings: Settings, adapters: Adapters, limits: AssetLimits, types: TypeServices, outbox: OutboxServices
) -> AssetServices:
    validation = ContentValidation(catalog=types.catalog, limits=limits)
    name_release = NameRelease(store=adapters.store, claims=adapters.claims)
    names = NameClaims(
        store=adapters.store, claims=adapters.claims, name_release=name_release, key_ttl_s=settings.idempotency_ttl_s
    )
    creation = AssetCreation(
        names=names, committer=outbox.committer, content_validation=validation, clock=adapters.clock
    )
    editing = AssetEditing(
        store=adapters.store, committer=outbox.committer, content_validation=validation, clock=adapters.clock
    )
    reader = AssetReader(store=adapters.store, listing=adapters.listing, claims=adapters.claims)
    return AssetServices(
        validation=validation,
        name_release=name_release,
        creation=creation,
        editing=editing,
        reader=reader,
        upsert=AssetUpsert(asset_creation=creation, asset_editing=editing, reader=reader),
    )
