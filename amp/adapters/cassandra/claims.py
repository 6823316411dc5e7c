"""Claims in Cassandra: one row each, written if there is no other holder."""

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from amp.adapters.cassandra.errors import translation
from amp.adapters.cassandra.reads_in_parts import KeyRange, ReadResult, read_in_parts
from amp.adapters.cassandra.session import CassandraSession, Mode, RowsOrError
from amp.adapters.cassandra.settling import settle
from amp.domain.claims import Claim
from amp.domain.retention import MAX_RETENTION_S
from amp.errors import StoreUnavailable
from amp.ports.claims import ClaimPage

# Always an UPDATE, never an INSERT: the row marker that an INSERT writes could outlive the values.
_CLAIM = (
    "UPDATE {ks}.claims USING TTL ? SET asset_id = ?, digest = ? WHERE scope = ? AND key = ? "
    "IF asset_id = null AND digest = null"
)
_HOLDER = "SELECT asset_id, digest FROM {ks}.claims WHERE scope = ? AND key = ?"
_REPLACE = "UPDATE {ks}.claims SET asset_id = ?, digest = ? WHERE scope = ? AND key = ? IF asset_id = ? AND digest = ?"
_RELEASE = "DELETE FROM {ks}.claims WHERE scope = ? AND key = ? IF asset_id = ? AND digest = ?"
#: This is the only table that is read as a whole. Claims from before claims were listed by asset can be found in no
#: other way.
_PAGE = (
    "SELECT token(scope, key), scope, key, asset_id, digest FROM {ks}.claims "
    "WHERE token(scope, key) > ? AND token(scope, key) <= ? LIMIT ?"
)
_LIST = "INSERT INTO {ks}.asset_claims (asset_id, scope, key, digest) VALUES (?, ?, ?, ?) USING TTL ?"
_LISTED = "SELECT scope, key, asset_id, digest FROM {ks}.asset_claims WHERE asset_id = ?"
_LISTED_AT = "SELECT WRITETIME(digest) FROM {ks}.asset_claims WHERE asset_id = ? AND scope = ? AND key = ?"
#: Removes only a row that was written up to this timestamp.
_UNLIST = "DELETE FROM {ks}.asset_claims USING TIMESTAMP ? WHERE asset_id = ? AND scope = ? AND key = ?"

#: No key has the lowest token.
_BEFORE_ALL, _LAST = -(1 << 63), (1 << 63) - 1
#: Maximum number of reads for one page, where many claims have expired.
_MAX_READS_PER_PAGE = 32
#: Maximum number of times that a claim is sent if no answer arrives. A claim that was stored finds itself when it is
#: sent again.
_ATTEMPTS = 3


class CassandraClaims:
    """Implements `Claims`. The table `claims` is written only conditionally. The row that lists a claim by its asset is
    written before the claim."""

    def __init__(self, session: CassandraSession) -> None:
        self._session = session

    def claim(self, claims: Sequence[Claim], ttl_s: int | None = None) -> list[Claim]:
        ttl_s = 0 if ttl_s is None else min(ttl_s, MAX_RETENTION_S)
        if ttl_s:
            self._list(claims, ttl_s)
        holders: list[Claim | None] = [None] * len(claims)
        pending = list(range(len(claims)))
        failure: BaseException = StoreUnavailable("too many concurrent writes of the same claim; try again")
        for _ in range(_ATTEMPTS):
            sent = [claims[i] for i in pending]
            answers = self._session.run_many(
                [(_CLAIM, (ttl_s, claim.holder_id, claim.digest, claim.scope, claim.key)) for claim in sent],
                Mode.CONDITIONAL,
            )
            for i, claim, answer in zip(pending, sent, answers, strict=True):
                if isinstance(answer, BaseException):
                    failure = answer
                holders[i] = _holder_in(claim, answer)
            unknown = [i for i in pending if holders[i] is None]
            read = self._read_holders([(claims[i].scope, claims[i].key) for i in unknown], Mode.SERIAL)
            for i, holder in zip(unknown, read, strict=True):
                holders[i] = holder
            pending = [i for i in unknown if holders[i] is None]
            if not pending:
                return [holder for holder in holders if holder is not None]
        raise translation(failure) from failure

    def holders(self, keys: Sequence[tuple[str, str]]) -> list[Claim | None]:
        return self._read_holders(keys, Mode.PLAIN)

    def replace(self, claim: Claim, by: Claim) -> bool:
        values = (by.holder_id, by.digest, claim.scope, claim.key, claim.holder_id, claim.digest)

        def read_state() -> bool | None:
            [holder] = self._read_holders([(claim.scope, claim.key)], Mode.SERIAL)
            return None if holder == claim else holder == by

        return settle(lambda: bool(self._session.run(_REPLACE, values, Mode.CONDITIONAL)[0]["[applied]"]), read_state)

    def release(self, claim: Claim) -> None:
        values = (claim.scope, claim.key, claim.holder_id, claim.digest)
        list_key = (claim.holder_id, claim.scope, claim.key)
        # Read before the release: a later claim of the same key is listed at a later timestamp.
        listed = self._session.run(_LISTED_AT, list_key)
        answer = self._session.run(_RELEASE, values, Mode.CONDITIONAL)[0]
        is_held = not answer["[applied]"] and answer.get("asset_id") == claim.holder_id
        if listed and listed[0][0] is not None and not is_held:
            self._session.run(_UNLIST, (listed[0][0], *list_key))

    def page(self, position: str | None, limit: int) -> ClaimPage:
        def read(part: KeyRange[int], wanted: int) -> list[Any]:
            return self._session.run(_PAGE, (part.begin, part.end, wanted))

        begin = _BEFORE_ALL if position is None else int(position)
        # Expired and released claims leave tombstones.
        result: ReadResult[int, Any] = read_in_parts(read, [KeyRange(begin, _LAST)], _cut, limit, _MAX_READS_PER_PAGE)
        claims = tuple(Claim(*row[1:]) for row in result.rows if row[3] is not None)
        at = result.rows[-1][0] if len(result.rows) == limit else result.read_to
        return ClaimPage(claims, None if at is None else str(at))

    def list_by_asset(self, claims: Sequence[Claim]) -> None:
        self._list(claims, 0)

    def of_assets(self, asset_ids: Collection[UUID]) -> list[Claim]:
        answers = self._session.rows_of_many([(_LISTED, (asset_id,)) for asset_id in dict.fromkeys(asset_ids)])
        listed = [Claim(*row) for rows in answers for row in rows]
        holders = self._read_holders([(claim.scope, claim.key) for claim in listed], Mode.SERIAL)
        pairs = zip(listed, holders, strict=True)
        return [holder for claim, holder in pairs if holder is not None and holder.holder_id == claim.holder_id]

    def _list(self, claims: Sequence[Claim], ttl_s: int) -> None:
        rows = [(claim.holder_id, claim.scope, claim.key, claim.digest, ttl_s) for claim in claims]
        self._session.rows_of_many([(_LIST, row) for row in rows])

    def _read_holders(self, keys: Sequence[tuple[str, str]], mode: Mode) -> list[Claim | None]:
        answers = self._session.rows_of_many([(_HOLDER, key) for key in keys], mode)
        return [_claim_of(*key, rows[0]) if rows else None for key, rows in zip(keys, answers, strict=True)]


def _cut(part: KeyRange[int]) -> int | None:
    middle = (part.begin + part.end) // 2
    return middle if middle > part.begin else None


def _claim_of(scope: str, key: str, row: tuple[UUID | None, str | None]) -> Claim | None:
    """Return the claim; None if only the row marker of an INSERT is left of it."""
    asset_id, digest = row
    return None if asset_id is None else Claim(scope, key, asset_id, digest or "")


def _holder_in(claim: Claim, answer: RowsOrError) -> Claim | None:
    """Return the holder according to the answer to a claim; None if the answer does not contain it."""
    if isinstance(answer, BaseException):
        return None
    row = answer[0]
    return claim if row["[applied]"] else _claim_of(claim.scope, claim.key, (row["asset_id"], row["digest"]))
