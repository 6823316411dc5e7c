"""Answers about the service itself."""

from typing import Literal

from pydantic import BaseModel, Field


class Alive(BaseModel):
    """The process answers."""

    status: Literal["ok"]


class PartOut(BaseModel):
    """One server the service stands on."""

    name: str
    healthy: bool
    detail: str


class ThreadOut(BaseModel):
    """A background thread of the process that answers."""

    name: str
    healthy: bool
    failures: int
    detail: str


class Readiness(BaseModel):
    """What can be used."""

    status: Literal["ready", "degraded"]
    degraded: list[str]
    parts: list[PartOut]
    threads: list[ThreadOut]
    buckets: list[PartOut]
    work: list[PartOut] = Field(description="What waits for a worker, and the workers that are missing.")
