"""The health of the service in responses."""

from typing import Literal

from pydantic import BaseModel, Field


class Alive(BaseModel):
    """The process responds."""

    status: Literal["ok"]


class ComponentOut(BaseModel):
    """The health of a component, of a bucket, or of work that waits for a worker."""

    name: str
    healthy: bool
    detail: str


class ThreadOut(BaseModel):
    """The health of a background thread of the responding process."""

    name: str
    healthy: bool
    failures: int
    detail: str


class Readiness(BaseModel):
    """The readiness of the service, and what needs attention."""

    status: Literal["ready", "degraded"]
    degraded: list[str] = Field(description="The names of everything unhealthy.")
    parts: list[ComponentOut] = Field(description="The components: store, search, queue and cache.")
    threads: list[ThreadOut]
    buckets: list[ComponentOut] = Field(description="Buckets that need attention.")
    work: list[ComponentOut] = Field(description="Work that waits for a worker, and the workers that are missing.")
