"""Records of jobs for tests."""

import time
from typing import Any

from amp.domain.ids import mint_at
from amp.domain.job_parameters import AssetJobParameters, MoveParameters
from amp.domain.jobs import AssetJob, MoveJob, Note, NoteKind
from amp.domain.selectors import Selector


def asset_job(**values: Any) -> AssetJob:
    """Return a job over all assets, with these values."""
    parameters = AssetJobParameters(selector=Selector())
    return AssetJob(
        **{
            "id": mint_at(time.time_ns() // 1_000_000),
            "kind": "delete",
            "parameters": parameters,
            "requested_by": "ann",
        }
        | values
    )


def move_job(**values: Any) -> MoveJob:
    """Return a move, with these values."""
    parameters = MoveParameters(bucket="b1")
    return MoveJob(
        **{"id": mint_at(time.time_ns() // 1_000_000), "kind": "split", "parameters": parameters, "requested_by": "ann"}
        | values
    )


def note(at_ms: int, text: str) -> Note:
    return Note(at_ms, NoteKind.OTHER, text)
