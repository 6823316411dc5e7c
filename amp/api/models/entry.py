"""The entry of the API in responses."""

from pydantic import BaseModel, Field


class Entry(BaseModel):
    """Where to go from here."""

    resources: dict[str, str] = Field(description="Paths by name.")
