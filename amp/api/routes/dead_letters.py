"""Routes that list, read, replay and discard dead letters."""

from uuid import UUID

from flask import Response
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag

from amp.api import examples
from amp.api.admin_presenters import dead_letter_json
from amp.api.current import amp, principal
from amp.api.json_body import JsonBody
from amp.api.models.dead_letters import (
    MAX_IDS,
    DeadLetterList,
    DeadLetterOut,
    DeadLetterSelection,
    Discarded,
    Replayed,
)
from amp.api.operations import Operation, ResponseSpec
from amp.api.pages import next_cursor, read_position
from amp.api.parameters import CURSOR, JOB, LIMIT, REASON
from amp.api.responses import json_response
from amp.api.routes.terms import PRINCIPAL
from amp.services.jobs.dead_letters import DeadLetterFilter

api = APIBlueprint("dead_letters", __name__, url_prefix="/v1/admin", abp_tags=[Tag(name="dead letters")])


@Operation(
    api,
    "get",
    "/dead-letters",
    query=(JOB, REASON, LIMIT, CURSOR),
    headers=(PRINCIPAL,),
    responses={200: ResponseSpec("A page of dead letters.", DeadLetterList)},
    errors=(503,),
)
def list_dead_letters() -> Response:
    """List dead letters, newest first."""
    selected = DeadLetterFilter(job_id=JOB.read(), reason=REASON.read())
    bound_to = ["dead-letters", str(selected.job_id), selected.reason]
    page = amp().jobs.dead_letters.page(selected, read_position(str, bound_to), LIMIT.read(), principal())
    items = [dead_letter_json(dead_letter) for dead_letter in page.dead_letters]
    return json_response({"items": items, "next_cursor": next_cursor(page.position, bound_to)})


@Operation(
    api,
    "get",
    "/dead-letters/<dead_letter_id>",
    headers=(PRINCIPAL,),
    responses={200: ResponseSpec("The dead letter.", DeadLetterOut)},
    errors=(404, 503),
)
def get_dead_letter(dead_letter_id: UUID) -> Response:
    """Read a dead letter."""
    return json_response(dead_letter_json(amp().jobs.dead_letters.get(dead_letter_id, principal())))


@Operation(
    api,
    "post",
    "/dead-letters/replay",
    headers=(PRINCIPAL,),
    body=JsonBody(DeadLetterSelection, examples.DEAD_LETTERS, max_values=MAX_IDS + 100),
    responses={202: ResponseSpec("The number of dead letters that were sent to the workers again.", Replayed)},
    errors=(422, 503),
)
def replay_dead_letters(body: DeadLetterSelection) -> Response:
    """Send dead letters to the workers again, after their cause was fixed.

    A dead letter whose message is processed is removed from the list. If processing fails again, it has one more
    attempt. A message that cannot be parsed, or whose job is no longer kept, stays; `kept` says how many and why.
    """
    replay = amp().jobs.dead_letters.replay(body.dead_letter_filter(), principal())
    kept = [{"reason": reason, "count": count} for reason, count in replay.kept.items()]
    return json_response({"replayed": replay.count, "kept": kept}, 202)


@Operation(
    api,
    "post",
    "/dead-letters/discard",
    headers=(PRINCIPAL,),
    body=JsonBody(DeadLetterSelection, examples.DEAD_LETTERS, max_values=MAX_IDS + 100),
    responses={200: ResponseSpec("The number of dead letters that were removed.", Discarded)},
    errors=(422, 503),
)
def discard_dead_letters(body: DeadLetterSelection) -> Response:
    """Remove dead letters without processing them."""
    return json_response({"discarded": amp().jobs.dead_letters.discard(body.dead_letter_filter(), principal())})
