"""Claims in Cassandra: a row each, written if nobody was first."""

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from amp.adapters.cassandra.errors import translation
from amp.adapters.cassandra.reads_in_parts import Found, KeyRange, read_in_parts
from amp.adapters.cassandra.session import CassandraSession, Mode, RowsOrError
from amp.adapters.cassandra.settling import settled
from amp.domain.claims import Claim
from amp.domain.retention import MAX_RETENTION_S
from amp.errors import StoreUnavailable
from amp.ports.claims import ClaimPage

# An update and never an insert: the mark that an insert leaves of the row could outlast its values.
_CLAIM = (
    "UPDATE {ks}.claims USING TTL ? SET asset_id = ?, digest = ? WHERE scope = ? AND key = ? "
    "IF asset_id = null AND digest = null"
)
_HOLDER = "SELECT asset_id, digest FROM {ks}.claims WHERE scope = ? AND key = ?"
_REPLACE = "UPDATE {ks}.claims SET asset_id = ?, digest = ? WHERE scope = ? AND key = ? IF asset_id = ? AND digest = ?"
_RELEASE = "DELETE FROM {ks}.claims WHERE scope = ? AND key = ? IF asset_id = ? AND digest = ?"
#: The one table that is walked as a whole: claims of before they were listed by asset are found in no other way.
_PAGE = (
    "SELECT token(scope, key), scope, key, asset_id, digest FROM {ks}.claims "
    "WHERE token(scope, key) > ? AND token(scope, key) <= ? LIMIT ?"
)
_LIST = "INSERT INTO {ks}.asset_claims (asset_id, scope, key, digest) VALUES (?, ?, ?, ?) USING TTL ?"
_LISTED = "SELECT scope, key, asset_id, digest FROM {ks}.asset_claims WHERE asset_id = ?"
_LISTED_AT = "SELECT WRITETIME(digest) FROM {ks}.asset_claims WHERE asset_id = ? AND scope = ? AND key = ?"
#: Only what was written up to then.
_UNLIST = "DELETE FROM {ks}.asset_claims USING TIMESTAMP ? WHERE asset_id = ? AND scope = ? AND key = ?"

#: No key has the first token.
_BEFORE_ALL, _LAST = -(1 << 63), (1 << 63) - 1
#: Reads of one page, at most, where many claims have expired.
_READS_A_PAGE = 32
#: How often a claim is sent, at most, when its answer does not come. Sent again it finds itself.
_ATTEMPTS = 3


class CassandraClaims:
    """`Claims`. Conditional writes only in `claims`; what lists a claim by its asset is written before it."""

    def __init__(self, session: CassandraSession) -> None:
        self._session = session

    def claim(self, claims: Sequence[Claim], ttl_s: int | None = None) -> list[Claim]:
        ttl_s = 0 if ttl_s is None else min(ttl_s, MAX_RETENTION_S)
        if ttl_s:
            self._list(claims, ttl_s)
        holders: list[Claim | None] = [None] * len(claims)
        open_ = list(range(len(claims)))
        failure: BaseException = StoreUnavailable("too many claim the same")
        for _ in range(_ATTEMPTS):
            sent = [claims[i] for i in open_]
            answers = self._session.run_many(
                [(_CLAIM, (ttl_s, claim.holder_id, claim.digest, claim.scope, claim.key)) for claim in sent],
                Mode.CONDITIONAL,
            )
            for i, claim, answer in zip(open_, sent, answers, strict=True):
                if isinstance(answer, BaseException):
                    failure = answer
                holders[i] = _holder_told(claim, answer)
            lost = [i for i in open_ if holders[i] is None]
            looked = self._look([(claims[i].scope, claims[i].key) for i in lost], Mode.SERIAL)
            for i, holder in zip(lost, looked, strict=True):
                holders[i] = holder
            open_ = [i for i in lost if holders[i] is None]
            if not open_:
                return [holder for holder in holders if holder is not None]
        raise translation(failure) from failure

    def holders(self, keys: Sequence[tuple[str, str]]) -> list[Claim | None]:
        return self._look(keys, Mode.PLAIN)

    def replace(self, claim: Claim, by: Claim) -> bool:
        values = (by.holder_id, by.digest, claim.scope, claim.key, claim.holder_id, claim.digest)

        def look() -> bool | None:
            [holder] = self._look([(claim.scope, claim.key)], Mode.SERIAL)
            return None if holder == claim else holder == by

        return settled(lambda: bool(self._session.run(_REPLACE, values, Mode.CONDITIONAL)[0]["[applied]"]), look)

    def release(self, claim: Claim) -> None:
        values = (claim.scope, claim.key, claim.holder_id, claim.digest)
        place = (claim.holder_id, claim.scope, claim.key)
        # Read before the release: whoever claims it after that lists it at a later time.
        listed = self._session.run(_LISTED_AT, place)
        answer = self._session.run(_RELEASE, values, Mode.CONDITIONAL)[0]
        is_held = not answer["[applied]"] and answer.get("asset_id") == claim.holder_id
        if listed and listed[0][0] is not None and not is_held:
            self._session.run(_UNLIST, (listed[0][0], *place))

    def page(self, position: str | None, limit: int) -> ClaimPage:
        def read(part: KeyRange[int], wanted: int) -> list[Any]:
            return self._session.run(_PAGE, (part.begin, part.end, wanted))

        begin = _BEFORE_ALL if position is None else int(position)
        # Claims that expired or were released leave tombstones.
        found: Found[int, Any] = read_in_parts(read, [KeyRange(begin, _LAST)], _cut, limit, _READS_A_PAGE)
        claims = tuple(Claim(*row[1:]) for row in found.rows if row[3] is not None)
        at = found.rows[-1][0] if len(found.rows) == limit else found.read_to
        return ClaimPage(claims, None if at is None else str(at))

    def list_by_asset(self, claims: Sequence[Claim]) -> None:
        self._list(claims, 0)

    def of_assets(self, asset_ids: Collection[UUID]) -> list[Claim]:
        answers = self._session.rows_of_many([(_LISTED, (asset_id,)) for asset_id in dict.fromkeys(asset_ids)])
        listed = [Claim(*row) for rows in answers for row in rows]
        holders = self._look([(claim.scope, claim.key) for claim in listed], Mode.SERIAL)
        pairs = zip(listed, holders, strict=True)
        return [holder for claim, holder in pairs if holder is not None and holder.holder_id == claim.holder_id]

    def _list(self, claims: Sequence[Claim], ttl_s: int) -> None:
        rows = [(claim.holder_id, claim.scope, claim.key, claim.digest, ttl_s) for claim in claims]
        self._session.rows_of_many([(_LIST, row) for row in rows])

    def _look(self, keys: Sequence[tuple[str, str]], mode: Mode) -> list[Claim | None]:
        answers = self._session.rows_of_many([(_HOLDER, key) for key in keys], mode)
        return [_held(*key, rows[0]) if rows else None for key, rows in zip(keys, answers, strict=True)]


def _cut(part: KeyRange[int]) -> int | None:
    middle = (part.begin + part.end) // 2
    return middle if middle > part.begin else None


def _held(scope: str, key: str, row: tuple[UUID | None, str | None]) -> Claim | None:
    """None: nothing is left of the claim but a mark of its insertion."""
    asset_id, digest = row
    return None if asset_id is None else Claim(scope, key, asset_id, digest or "")


def _holder_told(claim: Claim, answer: RowsOrError) -> Claim | None:
    """Who holds it by the answer; None: the answer does not tell."""
    if isinstance(answer, BaseException):
        return None
    row = answer[0]
    return claim if row["[applied]"] else _held(claim.scope, claim.key, (row["asset_id"], row["digest"]))
