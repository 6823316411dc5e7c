"""The contract of claims, over every adapter."""

import time
import uuid
from functools import partial

import pytest

from amp.domain.claims import Claim
from amp.ports.claims import Claims
from amp.profiles import Adapters
from tests.support.asset_samples import at_once, unique


@pytest.fixture
def claims(store_profile: Adapters) -> Claims:
    return store_profile.claims


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


def test_a_claim_is_replaced_only_where_it_holds_to_the_digest(claims: Claims) -> None:
    claim = a_claim(digest="one")
    other = Claim(claim.scope, claim.key, uuid.uuid4(), "two")
    assert not claims.replace(claim, other), "nobody holds it"
    assert claims.holders([(claim.scope, claim.key)]) == [None]
    claims.claim([claim])
    assert not claims.replace(Claim(claim.scope, claim.key, claim.holder_id, "none"), other)
    assert claims.replace(claim, other)
    assert claims.holders([(claim.scope, claim.key)]) == [other]
    assert claims.replace(claim, other), "it is done"
    assert not claims.replace(claim, Claim(claim.scope, claim.key, uuid.uuid4())), "it holds it no more"


def test_a_claim_put_in_the_place_of_one_that_ends_does_not_end(claims: Claims) -> None:
    ending, over = a_claim(), a_claim()
    lasting = Claim(ending.scope, ending.key, uuid.uuid4())
    claims.claim([ending, over], ttl_s=2)
    assert claims.replace(ending, lasting)
    deadline = time.monotonic() + 10
    while claims.holders([(over.scope, over.key)]) != [None]:
        assert time.monotonic() < deadline, "the claim outlives its time"
        time.sleep(0.05)
    assert not claims.replace(over, Claim(over.scope, over.key, uuid.uuid4())), "it has ended, nobody holds it"
    assert claims.holders([(name.scope, name.key) for name in (ending, over)]) == [lasting, None]


def test_a_claim_with_another_digest_is_not_released(claims: Claims) -> None:
    claim = a_claim(digest="one")
    claims.claim([claim])
    claims.release(Claim(claim.scope, claim.key, claim.holder_id, "two"))
    assert claims.holders([(claim.scope, claim.key)]) == [claim]


def test_of_many_who_replace_one_claim_exactly_one_does(claims: Claims) -> None:
    claim = a_claim()
    claims.claim([claim])
    rivals = [Claim(claim.scope, claim.key, uuid.uuid4()) for _ in range(12)]
    done = at_once([partial(claims.replace, claim, rival) for rival in rivals])
    assert sum(done) == 1
    assert claims.holders([(claim.scope, claim.key)]) == [rivals[done.index(True)]]


@pytest.mark.parametrize("limit", [1, 3, 1000])
def test_a_walk_over_all_claims_meets_each_once(claims: Claims, limit: int) -> None:
    mine = {a_claim(scope=unique("scope"), digest=str(n)) for n in range(7)}
    claims.claim(list(mine))
    found: list[Claim] = []
    position = None
    while True:
        page = claims.page(position, limit)
        assert len(page.claims) <= limit
        found += page.claims
        position = page.position
        if position is None:
            break
    assert len(found) == len(set(found))
    assert mine <= set(found)


def test_claims_that_end_and_those_listed_are_found_by_their_asset(claims: Claims) -> None:
    asset_id = uuid.uuid4()
    ends, listed, gone, taken = (Claim("scope", unique("key"), asset_id, "d") for _ in range(4))
    claims.claim([ends, gone, taken], ttl_s=3600)
    claims.claim([listed])
    claims.list_by_asset([listed])
    claims.release(gone)
    assert claims.replace(taken, Claim(taken.scope, taken.key, uuid.uuid4()))
    assert set(claims.of_assets([asset_id, uuid.uuid4()])) == {ends, listed}


def test_a_claim_whose_release_is_refused_is_still_found_by_its_asset(claims: Claims) -> None:
    claim = a_claim(digest="one")
    claims.claim([claim], ttl_s=3600)
    claims.release(Claim(claim.scope, claim.key, claim.holder_id, "two"))
    assert claims.of_assets([claim.holder_id]) == [claim]


def test_a_claim_made_again_is_found_by_its_asset_and_gone_once_released(claims: Claims) -> None:
    claim = a_claim(digest="one")
    for _ in range(3):
        claims.claim([claim], ttl_s=3600)
        assert claims.of_assets([claim.holder_id]) == [claim]
        claims.release(claim)
        assert claims.of_assets([claim.holder_id]) == []
