"""Moves as JSON, in the map that processes of two releases read."""

from amp.domain.ids import mint_at
from amp.domain.moves import Move, MoveKind, Phase, move_from_json, move_json

_MOVE = Move(
    id=mint_at(1),
    kind=MoveKind.SPLIT,
    source="amp-19700101000000-1",
    target="amp-20260101000000-2",
    start_s=10,
    end_s=None,
    phase=Phase.DUAL,
    phase_token=3,
    dual_token=2,
    switch_token=4,
)


def test_a_move_is_read_as_it_was_written() -> None:
    assert move_from_json(move_json(_MOVE)) == _MOVE


def test_what_a_later_release_added_does_not_keep_the_map_from_being_read() -> None:
    assert move_from_json({**move_json(_MOVE), "priority": "high"}) == _MOVE
