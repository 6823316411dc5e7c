"""Dead letters: messages that are kept apart because no attempt can process them until the cause is fixed."""

from dataclasses import dataclass
from uuid import UUID, uuid5

from amp.domain.messages import JobItem, Message

_NAMESPACE = UUID("5ecf0a4e-6a5b-4a53-9c35-9b0f0a2f2b6d")


@dataclass(frozen=True, kw_only=True, slots=True)
class DeadLetter:
    id: UUID  #: always the same for the same message, however often it becomes a dead letter
    topic: str
    message: Message | None  #: None: `payload` is not a valid message
    payload: bytes
    reason: str
    detail: str = ""  #: a stack trace, where there is one
    attempts: int = 1  #: how often the message became a dead letter
    first_ms: int  #: when it first became a dead letter
    last_ms: int  #: when it last became a dead letter

    @property
    def job_id(self) -> UUID | None:
        """Return the id of the job that the message belongs to; None if it belongs to live traffic."""
        return self.message.job_id if isinstance(self.message, JobItem) else None


def dead_letter_for(
    topic: str, message: Message | None, payload: bytes, reason: str, detail: str, now_ms: int
) -> DeadLetter:
    """Return the dead letter for a message that cannot be processed, as of `now_ms`."""
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
    """Return the id of a dead letter: derived from job and asset for an item of a job, else from topic and payload."""
    if isinstance(message, JobItem):
        return uuid5(_NAMESPACE, f"{message.job_id}:{message.asset_id}")
    return uuid5(_NAMESPACE, f"{topic}:{payload.hex()}")
