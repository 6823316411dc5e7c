"""Dead letters: messages put aside because no further try can help before their cause is gone."""

from dataclasses import dataclass
from uuid import UUID, uuid5

from amp.domain.messages import JobItem, Message

_NAMESPACE = UUID("5ecf0a4e-6a5b-4a53-9c35-9b0f0a2f2b6d")


@dataclass(frozen=True, kw_only=True, slots=True)
class DeadLetter:
    id: UUID  #: the same for the same message, however often it is put aside
    topic: str
    message: Message | None  #: None: the payload is no message
    payload: bytes
    reason: str
    detail: str = ""  #: a stack trace, where there is one
    attempts: int = 1  #: how often it was put aside
    first_ms: int
    last_ms: int

    @property
    def job_id(self) -> UUID | None:
        """None: it is of live traffic."""
        return self.message.job_id if isinstance(self.message, JobItem) else None


def dead_letter_for(
    topic: str, message: Message | None, payload: bytes, reason: str, detail: str, now_ms: int
) -> DeadLetter:
    """The letter that a message becomes that is given up now."""
    return DeadLetter(
        id=dead_letter_id(topic, message, payload),
        topic=topic,
        message=message,
        payload=payload,
        reason=reason,
        detail=detail,
        first_ms=now_ms,
        last_ms=now_ms,
    )


def dead_letter_id(topic: str, message: Message | None, payload: bytes) -> UUID:
    """The identity of a dead letter: of a job and an asset, or of whatever else the payload says."""
    if isinstance(message, JobItem):
        return uuid5(_NAMESPACE, f"{message.job_id}:{message.asset_id}")
    return uuid5(_NAMESPACE, f"{topic}:{payload.hex()}")
