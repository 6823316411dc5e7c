"""Routes of dead letters: messages that no further try can help before their cause is gone."""

from uuid import UUID

from flask import Response
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag

from amp.api import examples
from amp.api.admin_presenters import letter_json
from amp.api.current import amp, principal
from amp.api.json_body import JsonBody
from amp.api.models.dead_letters import MAX_IDS, Discarded, LetterList, LetterOut, Replayed, WhichLetters
from amp.api.operations import ResponseSpec, operation
from amp.api.pages import next_cursor, position
from amp.api.parameters import CURSOR, JOB, LIMIT, REASON
from amp.api.responses import json_response
from amp.api.routes.terms import PRINCIPAL
from amp.services.jobs.dead_letters import DeadLetterFilter

api = APIBlueprint("dead_letters", __name__, url_prefix="/v1/admin", abp_tags=[Tag(name="dead letters")])


@operation(
    api,
    "get",
    "/dead-letters",
    query=(JOB, REASON, LIMIT, CURSOR),
    headers=(PRINCIPAL,),
    answers={200: ResponseSpec("A page of dead letters.", LetterList)},
    refusals=(503,),
)
def list_letters() -> Response:
    """List dead letters, newest first."""
    which = DeadLetterFilter(job_id=JOB.read(), reason=REASON.read())
    bound_to = ["dead-letters", str(which.job_id), which.reason]
    page = amp().jobs.dead_letters.page(which, position(str, bound_to), LIMIT.read(), principal())
    items = [letter_json(dead_letter) for dead_letter in page.dead_letters]
    return json_response({"items": items, "next_cursor": next_cursor(page.position, bound_to)})


@operation(
    api,
    "get",
    "/dead-letters/<dead_letter_id>",
    headers=(PRINCIPAL,),
    answers={200: ResponseSpec("The dead letter.", LetterOut)},
    refusals=(404, 503),
)
def get_letter(dead_letter_id: UUID) -> Response:
    """Read a dead letter."""
    return json_response(letter_json(amp().jobs.dead_letters.get(dead_letter_id, principal())))


@operation(
    api,
    "post",
    "/dead-letters/replay",
    headers=(PRINCIPAL,),
    body=JsonBody(WhichLetters, examples.DEAD_LETTERS, max_values=MAX_IDS + 100),
    answers={202: ResponseSpec("How many are on their way again.", Replayed)},
    refusals=(422, 503),
)
def replay_letters(body: WhichLetters) -> Response:
    """Hand dead letters to the workers again, once their cause is gone.

    One whose work succeeds disappears from the list; one that fails again has one attempt more. One that cannot be
    read, or whose job is no longer kept, stays; `kept` says how many and why.
    """
    found = amp().jobs.dead_letters.replay(body.which(), principal())
    kept = [{"reason": reason, "count": count} for reason, count in found.kept.items()]
    return json_response({"replayed": found.count, "kept": kept}, 202)


@operation(
    api,
    "post",
    "/dead-letters/discard",
    headers=(PRINCIPAL,),
    body=JsonBody(WhichLetters, examples.DEAD_LETTERS, max_values=MAX_IDS + 100),
    answers={200: ResponseSpec("How many are gone.", Discarded)},
    refusals=(422, 503),
)
def discard_letters(body: WhichLetters) -> Response:
    """Forget dead letters."""
    return json_response({"discarded": amp().jobs.dead_letters.discard(body.which(), principal())})
