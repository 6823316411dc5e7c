"""Claims in Cassandra: a row each, written if nobody was first."""

from collections.abc import Sequence

from amp.adapters.cassandra.errors import translation
from amp.adapters.cassandra.session import Answer, CassandraSession, Mode
from amp.errors import StoreUnavailable
from amp.ports.claims import Claim

_CLAIM = "INSERT INTO {ks}.claims (scope, key, asset_id, digest) VALUES (?, ?, ?, ?) IF NOT EXISTS USING TTL ?"
_HOLDER = "SELECT asset_id, digest FROM {ks}.claims WHERE scope = ? AND key = ?"
_RELEASE = "DELETE FROM {ks}.claims WHERE scope = ? AND key = ? IF asset_id = ?"

#: How often a claim is sent, at most, when its answer does not come. Sent again it finds itself.
_ATTEMPTS = 3


class CassandraClaims:
    """`Claims`. Conditional writes only."""

    def __init__(self, session: CassandraSession) -> None:
        self._session = session

    def claim(self, claims: Sequence[Claim], ttl_s: int | None = None) -> list[Claim]:
        holders: list[Claim | None] = [None] * len(claims)
        open_ = list(range(len(claims)))
        failure: BaseException = StoreUnavailable("too many claim the same")
        for _ in range(_ATTEMPTS):
            sent = [claims[i] for i in open_]
            answers = self._session.run_many(
                [(_CLAIM, (claim.scope, claim.key, claim.asset_id, claim.digest, ttl_s or 0)) for claim in sent],
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

    def release(self, claim: Claim) -> None:
        self._session.run(_RELEASE, (claim.scope, claim.key, claim.asset_id), Mode.CONDITIONAL)

    def _look(self, keys: Sequence[tuple[str, str]], mode: Mode) -> list[Claim | None]:
        answers = self._session.rows_of_many([(_HOLDER, key) for key in keys], mode)
        return [Claim(*key, *rows[0]) if rows else None for key, rows in zip(keys, answers, strict=True)]


def _holder_told(claim: Claim, answer: Answer) -> Claim | None:
    """Who holds it by the answer; None: the answer does not tell."""
    if isinstance(answer, BaseException):
        return None
    row = answer[0]
    return claim if row["[applied]"] else Claim(claim.scope, claim.key, row["asset_id"], row["digest"])
