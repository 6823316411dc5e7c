"""Builds the services that concern the whole installation: health and migration."""

from dataclasses import dataclass

from amp.profiles import Adapters
from amp.services.runtime.presence import WorkerPresence
from amp.services.runtime.threads import BackgroundThreads
from amp.services.system.health import HealthCheck
from amp.services.system.migrate import SystemMigration
from amp.services.system.work_health import WorkHealth
from amp.settings import Settings
from amp.wiring.buckets import BucketServices


@dataclass(frozen=True, kw_only=True)
class SystemServices:
    health: HealthCheck
    migration: SystemMigration


def system_services(
    settings: Settings,
    adapters: Adapters,
    background: BackgroundThreads,
    buckets: BucketServices,
    presence: WorkerPresence,
) -> SystemServices:
    work = WorkHealth(
        presence=presence,
        queue=adapters.queue,
        jobs=adapters.jobs,
        maps=buckets.maps,
        own_processes=settings.profile == "cluster",
    )
    prefix = settings.elasticsearch_index_prefix
    return SystemServices(
        health=HealthCheck(
            components=adapters.components, threads=background, buckets=buckets.health.troubled, work=work.waiting
        ),
        migration=SystemMigration(
            components=adapters.components, registry=adapters.buckets, indices=adapters.indices, index_prefix=prefix
        ),
    )
