"""Records of jobs that cannot be decoded, or that a later release wrote, hide no other ones."""

import pytest

from amp.domain.ids import mint_at
from amp.domain.job_json import JobRow, job_from_row
from amp.domain.jobs import AssetJob, NoteKind, UnreadableJob

_ROW = JobRow(mint_at(1), "delete", '{"selector": {}}', "ann", "running", "", None, None, "{}", "{}")


def test_a_row_is_read_as_a_job() -> None:
    assert isinstance(job_from_row(_ROW), AssetJob)


@pytest.mark.parametrize("column", ["parameters", "progress", "checkpoint"])
@pytest.mark.parametrize("text", ["{", "7", '{"counts": 7, "selector": {"colour": "red"}}'])
def test_a_damaged_column_makes_the_job_unreadable(column: str, text: str) -> None:
    job = job_from_row(_ROW._replace(**{column: text}))
    assert isinstance(job, UnreadableJob)
    assert job.id == _ROW.id
    assert job.fault


def test_a_state_of_a_later_release_makes_the_job_unreadable() -> None:
    job = job_from_row(_ROW._replace(state="hibernating"))
    assert isinstance(job, UnreadableJob)
    assert "hibernating" in job.fault
    assert not job.state.ended


def test_the_kind_of_a_note_of_a_later_release_is_other() -> None:
    assert NoteKind("of-tomorrow") is NoteKind.OTHER
