"""The problem document (RFC 9457), which is the body of every error response."""

from pydantic import BaseModel, ConfigDict, Field


class Fault(BaseModel):
    """A place in the body and what is wrong there."""

    pointer: str = Field(description="JSON pointer into the body (RFC 6901); empty for the whole body.")
    detail: str


class Problem(BaseModel):
    """An error. Programs use `type` to tell errors apart; `title` and `detail` are for people."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(description="`urn:amp:problem:<slug>`", pattern="^urn:amp:problem:[a-z-]+$")
    title: str
    status: int
    detail: str
    errors: list[Fault] = Field(default=[], description="The faults of the body with their places.")
    id: str | None = Field(None, description="The asset that the error is about or that is in conflict, if any.")
    job: str | None = Field(None, description="The job that is in conflict, if any.")
    revision: int | None = Field(None, description="The revision of that asset, if it is known.")
