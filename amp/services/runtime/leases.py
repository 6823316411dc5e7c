"""A lease held by this process: renewed while it is used; its expiry is measured by the monotonic clock."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from amp.errors import Retryable
from amp.ports.clock import Clock
from amp.ports.leases import Leases

_log = structlog.get_logger(__name__)


class LeaseKeeper:
    """Takes one lease for one holder, renews it, and releases it.

    One thread calls `acquire` and `release`. While it is inside `renewed`, a second thread renews the lease, and the
    first calls neither; it may read `age_s` and `expired`.
    """

    def __init__(
        self, leases: Leases, clock: Clock, *, name: str, holder: str, ttl_s: int, renewal_s: float | None = None
    ) -> None:
        """:param renewal_s: seconds between renewals (default: a third of `ttl_s`)."""
        self._leases = leases
        self._clock = clock
        self._name = name
        self._holder = holder
        self._ttl_s = ttl_s
        self._renewal_s = ttl_s / 3 if renewal_s is None else renewal_s
        self._taken_s = float("-inf")

    @property
    def age_s(self) -> float:
        """Seconds since the lease was last taken or renewed; infinite if it is not held."""
        return self._clock.monotonic_s() - self._taken_s

    @property
    def expired(self) -> bool:
        """Whether another holder may have the lease by now."""
        return self.age_s >= self._ttl_s

    def acquire(self) -> bool:
        """Take or renew the lease. Return False if another holder has it.

        :raises StoreUnavailable: it is unknown who has it.
        """
        # Counted from before the call: the lease may have begun at any time within it.
        asked_s = self._clock.monotonic_s()
        taken = self._leases.acquire(self._name, self._holder, self._ttl_s)
        self._taken_s = asked_s if taken else float("-inf")
        return taken

    def release(self) -> None:
        """Release the lease. If that fails, it expires by itself."""
        self._taken_s = float("-inf")
        try:
            self._leases.release(self._name, self._holder)
        except Retryable as e:
            _log.info("could not release lease", action="lease_not_released", lease=self._name, reason=str(e))

    @contextmanager
    def renewed(self) -> Iterator[None]:
        """Renew the lease from a thread as long as the block runs, however long that is."""
        done = threading.Event()

        def renew() -> None:
            while not done.wait(self._renewal_s):
                try:
                    self.acquire()
                except Exception as e:  # noqa: BLE001 - this thread ends only with the block
                    _log.warning("could not renew lease", action="lease_not_renewed", lease=self._name, reason=repr(e))

        keeper = threading.Thread(target=renew, name=f"lease-{self._name}", daemon=True)
        keeper.start()
        try:
            yield
        finally:
            done.set()
            keeper.join()
