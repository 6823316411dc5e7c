"""Jobs over many assets with many faults: a short share in every run of the tests, all with `make test-jobs`."""

import os
import random
import threading
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import pytest

from amp.domain.assets import Asset
from amp.domain.changes import Draft
from amp.domain.documents import IndexedDocument, Position
from amp.domain.ids import mint_at
from amp.ports.bucket_documents import RawDocument
from amp.ports.search_index import Put, WriteStatus
from amp.services.assets.creation import CreateRequest
from tests.support.campaign_seed import campaign_seed
from tests.support.consistency.checked import (
    BORN_MS,
    DAY_MS,
    DAYS,
    FORGETS_S,
    Checked,
    make_checked,  # noqa: F401 - the fixture `checked`
)
from tests.support.jobs.calls import (
    DEADLINE_S,
    asset,
    changed,
    counts,
    ended,
    letters,
    new_assets,
    results,
    shown,
    started,
)
from tests.support.moves.moving import current_map
from tests.support.service.rest import Rest, unique
from tests.support.service.wired import PRINCIPAL
from tests.support.stack.waiting import wait_until

FAULTS = int(os.environ.get("AMP_JOBS_FAULTS", "70"))
#: Healthy assets for each that is not.
HEALTHY = 4
ASSETS = int(os.environ.get("AMP_JOBS_BESIDE_POISON", "1500"))
_LIVE, _BULK = 20, 500
_ENDS_S = 600


@dataclass
class Planting:
    """Faults, gathered to be made in few requests."""

    checked: Checked
    documents: dict[str, IndexedDocument]  #: of the heads
    puts: list[Put] = field(default_factory=list)
    copies: dict[str, list[RawDocument]] = field(default_factory=lambda: defaultdict(list))
    removals: dict[str, list[RawDocument]] = field(default_factory=lambda: defaultdict(list))
    unlisted: list[Asset] = field(default_factory=list)
    expected: dict[str, str] = field(default_factory=dict)
    malformed: set[str] = field(default_factory=set)
    aged: int = 0

    @property
    def kinds(self) -> Sequence[Callable[[Asset], None]]:
        kinds = [self.remove, self.age, self.add_version, self.add_asset, self.misplace, self.break_]
        # The embedded profile lists by indexes of its database.
        return kinds if self.checked.environment.amp.settings.profile == "embedded" else [*kinds, self.unlist]

    def remove(self, of: Asset) -> None:
        position = Position(of.created_ms, str(of.id), of.version, of.revision)
        self.removals[self._alias(of)].append(RawDocument(position))
        self.expected[str(of.id)] = f"missing: {of.id}"

    def age(self, of: Asset) -> None:
        self.checked.environment.label(of, "late")
        self.aged += 1
        self.expected[str(of.id)] = f"stale: {of.id} at 1, not 2"

    def add_version(self, of: Asset) -> None:
        self._put(of, f"{of.id}:9", 1, version=9, latest=False)
        self.expected[str(of.id)] = f"ghost: {of.id}:9"

    def add_asset(self, of: Asset) -> None:
        nobody = mint_at(of.created_ms)
        self._put(of, str(nobody), 4, asset_id=str(nobody))
        self.expected[str(nobody)] = f"ghost: {nobody} at revision 4"

    def misplace(self, of: Asset) -> None:
        buckets = current_map(self.checked.environment).buckets
        [wrong] = [bucket for bucket in buckets if bucket.index != self.checked.bucket(of).index]
        documents = self.checked.environment.amp.adapters.documents
        [(index, bare)] = documents.of_assets([of.id])
        [[copy]] = documents.with_bodies(index, [bare])
        self.copies[wrong.write_alias].append(copy)
        self.expected[str(of.id)] = f"misplaced: {of.id} in {wrong.index}"

    def break_(self, of: Asset) -> None:
        self._put(of, str(of.id), 1, name="somebody else's")
        self.malformed.add(str(of.id))
        self.expected[str(of.id)] = f"malformed: {of.id}"

    def unlist(self, of: Asset) -> None:
        self.unlisted.append(replace(of, updated_ms=self.checked.environment.amp.adapters.clock.now_ms()))
        self.expected[str(of.id)] = "unlisted: "

    def make(self) -> None:
        a = self.checked.environment.amp.adapters
        self.checked.lose_events(self.aged)
        done = a.index.put(self.puts)
        for alias, documents in self.copies.items():
            done += a.documents.put(alias, documents)
        for alias, documents in self.removals.items():
            done += a.documents.delete(alias, documents)
        assert {result.status for result in done} == {WriteStatus.DONE}
        a.listing.remove(self.unlisted)
        self.checked.environment.refresh()

    def _put(self, of: Asset, doc_id: str, revision: int, **body: object) -> None:
        whole = dict(self.documents[str(of.id)].body) | {"revision": revision} | body
        self.puts.append(Put(self._alias(of), IndexedDocument(doc_id, revision, whole)))

    def _alias(self, of: Asset) -> str:
        return self.checked.bucket(of).write_alias


def born(checked: Checked, count: int) -> list[Asset]:
    drafts = [
        Draft(type="clip", name="", metadata={"cameraId": n}, created_ms=BORN_MS + n % DAYS * DAY_MS + n * 1_000)
        for n in range(count)
    ]
    made: list[Asset] = []
    for asset_or_error in checked.environment.amp.assets.creation.create_many(
        [CreateRequest(draft) for draft in drafts], PRINCIPAL
    ):
        assert isinstance(asset_or_error, Asset), asset_or_error
        made.append(asset_or_error)
    checked.environment.mine |= {one.id for one in made}
    return made


@pytest.mark.timeout(1800)
def test_exactly_the_faulty_assets_are_fixed_while_others_write(checked: Checked) -> None:
    seed = campaign_seed("AMP_JOBS_SEED")
    print(seed)  # noqa: T201 - repeats the run
    chance = random.Random(seed.value)
    made = born(checked, FAULTS * (1 + HEALTHY) + _LIVE)
    checked.settle()
    chance.shuffle(made)
    live, bad = [str(one.id) for one in made[:_LIVE]], made[_LIVE : _LIVE + FAULTS]
    amp = checked.environment.amp
    built = amp.indexing.builder.of_heads(amp.adapters.store.heads([one.id for one in bad]))
    heads = [of.documents[-1] for of in built]
    planting = Planting(checked, {document.doc_id: document for document in heads})
    for n, one in enumerate(bad):
        planting.kinds[n % len(planting.kinds)](one)
    planting.make()
    expected = planting.expected
    assert len(expected) == FAULTS

    stop = threading.Event()
    writer = threading.Thread(target=write, args=(checked.rest, live, random.Random(seed.value + 1), stop))
    writer.start()
    try:
        by_sums, deep = (
            checked.finds(may_skip=_LIVE, parameters={"deep": deep}, timeout_s=_ENDS_S) for deep in (False, True)
        )
    finally:
        stop.set()
        writer.join(DEADLINE_S)
    # Slices in which sums differ are compared document by document, so some that are malformed are met there.
    assert expected.keys() - planting.malformed <= by_sums.keys() <= expected.keys()
    assert deep.keys() == expected.keys()
    assert [
        deep[asset_id] for asset_id, beginning in expected.items() if not deep[asset_id].startswith(beginning)
    ] == []
    fixed = checked.run("fix", parameters={"deep": True}, timeout_s=max(FORGETS_S, _ENDS_S))
    assert counts(fixed)["changed"] == FAULTS
    clean = checked.run("check", parameters={"deep": True}, timeout_s=_ENDS_S)
    assert counts(clean) == {"done": len(made)}


def write(rest: Rest, ids: Sequence[str], chance: random.Random, stop: threading.Event) -> None:
    while not stop.wait(0.02):
        changed(rest, chance.choice(ids), cameraId=chance.randrange(1_000_000))


@pytest.mark.timeout(900)
def test_one_poison_asset_is_reported_and_done_once_the_cause_is_gone(rest: Rest) -> None:
    project = unique("p")
    lacking, having = rest.new_type({"remark": {"type": "string"}}), rest.new_type()
    for first in range(0, ASSETS // 2, _BULK):
        new_assets(rest, having, min(_BULK, ASSETS // 2 - first), project=project)
    bad = rest.new_asset(lacking, project=project)["id"]
    for first in range(0, ASSETS - ASSETS // 2 - 1, _BULK):
        new_assets(rest, having, min(_BULK, ASSETS - ASSETS // 2 - 1 - first), project=project)
    update = {"parameters": {"set": {"codec": "hevc"}}}
    job = ended(rest, started(rest, "update-metadata", {"project": project}, **update), timeout_s=_ENDS_S)
    assert counts(job) == {"changed": ASSETS - 1, "failed": 1}
    [(asset_id, (outcome, note))] = results(rest, job["id"]).items()
    assert (asset_id, outcome) == (bad, "failed")
    assert "/metadata/codec" in note
    [letter] = letters(rest, f"?job={job['id']}")
    assert (letter["asset"], letter["reason"]) == (bad, note)
    fields = {"remark": {"type": "string"}, "codec": {"type": "string"}}
    assert rest.put(f"/v1/types/{lacking}", json={"fields": fields}).status_code == 200
    assert rest.post("/v1/admin/dead-letters/replay", json={"job": job["id"]}).get_json() == {"replayed": 1, "kept": []}
    wait_until(lambda: letters(rest, f"?job={job['id']}") == [], DEADLINE_S, "the replay")
    assert counts(shown(rest, job["id"])) == {"changed": ASSETS - 1, "resolved": 1}
    assert asset(rest, bad)["metadata"]["codec"] == "hevc"
    again = ended(rest, started(rest, "update-metadata", {"project": project}, **update), timeout_s=_ENDS_S)
    assert counts(again) == {"done": ASSETS}
