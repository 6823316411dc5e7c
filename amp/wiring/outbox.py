"""Builds the services that commit changes and publish them."""

from dataclasses import dataclass

from amp.metrics import Metrics
from amp.ports.background import Background
from amp.profiles import Adapters
from amp.services.outbox.commit import ChangeCommitter
from amp.services.outbox.publish import ChangePublisher
from amp.services.outbox.relay import IntentRelay
from amp.settings import Settings


@dataclass(frozen=True, kw_only=True)
class OutboxServices:
    committer: ChangeCommitter
    publisher: ChangePublisher
    relay: IntentRelay


def outbox_services(settings: Settings, adapters: Adapters, metrics: Metrics, background: Background) -> OutboxServices:
    publisher = ChangePublisher(adapters.queue, adapters.intents, background)
    return OutboxServices(
        committer=ChangeCommitter(
            store=adapters.store,
            intents=adapters.intents,
            publisher=publisher,
            clock=adapters.clock,
            metrics=metrics,
            intent_grace_s=settings.intent_grace_s,
        ),
        publisher=publisher,
        relay=IntentRelay(
            intents=adapters.intents, store=adapters.store, queue=adapters.queue, clock=adapters.clock, metrics=metrics
        ),
    )
