"""The services of assets and their types, wired."""

from dataclasses import dataclass

from amp.adapter_sets import Adapters
from amp.domain.limits import AssetLimits
from amp.metrics import Metrics
from amp.ports.background import Background
from amp.services.assets.claims import ClaimNames
from amp.services.assets.content import CheckContent
from amp.services.assets.create import CreateAssets
from amp.services.assets.edit import ChangeAssets
from amp.services.assets.read import ReadAssets
from amp.services.assets.release import ReleaseNames
from amp.services.assets.upsert import PutAssets
from amp.services.outbox.commit import CommitChanges
from amp.services.outbox.publish import PublishChanges
from amp.services.types.catalog import TypeCatalog
from amp.services.types.register import RegisterTypes
from amp.settings import Settings


@dataclass(frozen=True, kw_only=True)
class AssetServices:
    limits: AssetLimits
    types: RegisterTypes
    catalog: TypeCatalog
    checker: CheckContent
    publisher: PublishChanges
    committer: CommitChanges
    creator: CreateAssets
    changer: ChangeAssets
    reader: ReadAssets
    putter: PutAssets


def asset_services(settings: Settings, a: Adapters, metrics: Metrics, background: Background) -> AssetServices:
    limits = AssetLimits(
        asset_bytes=settings.max_asset_bytes,
        versions_kept=settings.versions_kept,
        skew_ms=int(settings.id_skew_s * 1000),
    )
    catalog = TypeCatalog(a.types, a.clock, settings.types_refresh_s)
    checker = CheckContent(catalog, limits)
    names = ClaimNames(a.store, a.claims, ReleaseNames(a.store, a.claims), settings.idempotency_ttl_s)
    publisher = PublishChanges(a.queue, a.intents, background)
    committer = CommitChanges(a.store, a.intents, publisher, a.clock, metrics, settings.intent_grace_s)
    creator = CreateAssets(names, committer, checker, a.clock)
    changer = ChangeAssets(a.store, committer, checker, a.clock)
    reader = ReadAssets(a.store, a.listing, a.claims)
    return AssetServices(
        limits=limits,
        types=RegisterTypes(a.types, catalog, a.clock),
        catalog=catalog,
        checker=checker,
        publisher=publisher,
        committer=committer,
        creator=creator,
        changer=changer,
        reader=reader,
        putter=PutAssets(creator, changer, reader),
    )
