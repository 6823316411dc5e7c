"""The contract of claims, over every adapter."""

import time
import uuid
from functools import partial

import pytest

from amp.adapter_sets import Adapters
from amp.ports.claims import Claim, Claims
from tests.contract.asset_samples import at_once, unique


@pytest.fixture
def claims(store_set: Adapters) -> Claims:
    return store_set.claims


def a_claim(scope: str = "scope", key: str | None = None, digest: str = "") -> Claim:
    return Claim(scope, unique("key") if key is None else key, uuid.uuid4(), digest)


def test_the_first_claimer_holds_the_name_and_later_ones_learn_who_does(claims: Claims) -> None:
    first = a_claim(digest="d1")
    second = Claim(first.scope, first.key, uuid.uuid4(), "d2")
    assert claims.claim([first]) == [first]
    assert claims.claim([second]) == [first]
    assert claims.holders([(first.scope, first.key)]) == [first]


def test_a_claim_that_finds_itself_is_its_own_holder(claims: Claims) -> None:
    claim = a_claim()
    assert claims.claim([claim]) == [claim]
    assert claims.claim([claim]) == [claim]


def test_the_same_key_in_another_scope_is_another_claim(claims: Claims) -> None:
    one = a_claim(scope="one")
    two = a_claim(scope="two", key=one.key)
    assert claims.claim([one, two]) == [one, two]


def test_scope_and_key_are_not_run_together(claims: Claims) -> None:
    word = unique("word")
    one, two = a_claim(scope=f"{word}/a", key="b"), a_claim(scope=word, key="a/b")
    assert claims.claim([one, two]) == [one, two]


@pytest.mark.parametrize("key", ["", "ü 日本 \U0001f3ac", "Case", "a'b\"c;--", "x" * 1024])
def test_any_text_can_be_claimed(claims: Claims, key: str) -> None:
    claim = a_claim(scope=unique("scope"), key=key)
    assert claims.claim([claim]) == [claim]
    assert claims.holders([(claim.scope, key), (claim.scope, key + "x")]) == [claim, None]


def test_keys_differ_by_case(claims: Claims) -> None:
    key = unique("key")
    lower, upper = a_claim(key=key), a_claim(key=key.upper())
    assert claims.claim([lower, upper]) == [lower, upper]


def test_many_claims_are_answered_in_order(claims: Claims) -> None:
    taken = [a_claim() for _ in range(30)]
    claims.claim(taken)
    free = [a_claim() for _ in range(30)]
    late = [Claim(claim.scope, claim.key, uuid.uuid4()) for claim in taken]
    asked = [claim for pair in zip(late, free, strict=True) for claim in pair]
    assert claims.claim(asked) == [claim for pair in zip(taken, free, strict=True) for claim in pair]


def test_nothing_to_claim_is_answered_with_nothing(claims: Claims) -> None:
    assert claims.claim([]) == []
    assert claims.holders([]) == []


def test_two_claims_of_one_name_in_one_call_have_one_holder(claims: Claims) -> None:
    one = a_claim()
    two = Claim(one.scope, one.key, uuid.uuid4())
    first, second = claims.claim([one, two])
    assert first == second
    assert first in (one, two)


def test_of_many_concurrent_claimers_exactly_one_wins_and_all_agree(claims: Claims) -> None:
    key = unique("key")
    rivals = [a_claim(key=key) for _ in range(24)]
    answers = at_once([partial(claims.claim, [rival]) for rival in rivals])
    winners = {answer[0] for answer in answers}
    assert len(winners) == 1
    assert winners <= set(rivals)
    assert set(claims.holders([("scope", key)])) == winners


def test_a_name_nobody_claimed_has_no_holder(claims: Claims) -> None:
    assert claims.holders([("scope", unique("key"))]) == [None]


def test_a_released_name_can_be_claimed_by_another(claims: Claims) -> None:
    claim = a_claim()
    claims.claim([claim])
    claims.release(claim)
    assert claims.holders([(claim.scope, claim.key)]) == [None]
    other = Claim(claim.scope, claim.key, uuid.uuid4())
    assert claims.claim([other]) == [other]


def test_releasing_what_another_asset_holds_changes_nothing(claims: Claims) -> None:
    claim = a_claim()
    claims.claim([claim])
    claims.release(Claim(claim.scope, claim.key, uuid.uuid4()))
    assert claims.holders([(claim.scope, claim.key)]) == [claim]


def test_releasing_what_nobody_holds_does_nothing(claims: Claims) -> None:
    claims.release(a_claim())


def test_a_claim_ends_after_its_time(claims: Claims) -> None:
    claim, lasting = a_claim(), a_claim()
    assert claims.claim([claim], ttl_s=1) == [claim]
    assert claims.claim([lasting], ttl_s=3600) == [lasting]
    deadline = time.monotonic() + 10
    while claims.holders([(claim.scope, claim.key)]) != [None]:
        assert time.monotonic() < deadline, "the claim outlives its time"
        time.sleep(0.05)
    assert claims.holders([(lasting.scope, lasting.key)]) == [lasting]
    other = Claim(claim.scope, claim.key, uuid.uuid4())
    assert claims.claim([other]) == [other]
