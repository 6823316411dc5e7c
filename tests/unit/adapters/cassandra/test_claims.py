"""The list of an asset's claims stays right whoever else claims or releases at the same moment."""

from typing import Any
from uuid import uuid4

from amp.adapters.cassandra.claims import CassandraClaims
from amp.adapters.cassandra.session import Mode
from amp.domain.claims import Claim


class Session:
    """A claim that is made again, by another host, as soon as it is released."""

    def __init__(self) -> None:
        self.listed_us = 1_000
        self.removed_to_us = 0

    def run(self, cql: str, values: tuple[Any, ...] = (), mode: Mode = Mode.PLAIN) -> list[Any]:
        if mode is Mode.CONDITIONAL:
            self.listed_us = 1_001
            return [{"[applied]": True}]
        if cql.startswith("SELECT WRITETIME"):
            return [(self.listed_us,)]
        assert "USING TIMESTAMP" in cql, "the clock of this host says nothing about that of the other"
        self.removed_to_us = values[0]
        return []


def test_a_claim_made_again_right_after_its_release_stays_listed() -> None:
    session = Session()
    CassandraClaims(session).release(Claim("scope", "key", uuid4(), "digest"))  # type: ignore[arg-type]
    assert session.removed_to_us == 1_000
    assert session.listed_us > session.removed_to_us
