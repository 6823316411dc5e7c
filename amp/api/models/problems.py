"""The problem document (RFC 9457) that every error is answered with."""

from pydantic import BaseModel, ConfigDict, Field


class Fault(BaseModel):
    """One place in the body and what is wrong there."""

    pointer: str = Field(description="JSON pointer into the body (RFC 6901); empty for the whole.")
    detail: str


class Problem(BaseModel):
    """What went wrong, for programs by `type`, for people by `title` and `detail`."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(description="`urn:amp:problem:<slug>`", pattern="^urn:amp:problem:[a-z-]+$")
    title: str
    status: int
    detail: str
    errors: list[Fault] = Field(default=[], description="Each fault in the body with its place.")
    id: str | None = Field(None, description="The asset in the way or concerned, if there is one.")
    job: str | None = Field(None, description="The job in the way, if there is one.")
    revision: int | None = Field(None, description="That asset's revision, where it is known.")
