"""Clients that write at a steady rate, and one that searches until each change is found."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue

from tests.support.fault_campaign import rng
from tests.support.service.api_client import ApiClient

WRITES_PER_S = 50
_CLIENTS = 10
_GIVE_UP_S = 60
_MOST_AT_ONCE = 200
_LOOK_EVERY_S = 0.1


@dataclass
class _Change:
    """One acknowledged write that a search has yet to show."""

    asset_id: str
    revision: int
    deleted: bool
    answered_s: float


@dataclass
class _Followed:
    """Queues between writers and the follower, which returns each asset that it finds, to be written again."""

    found: SimpleQueue[tuple[str, int]] = field(default_factory=SimpleQueue)
    open: SimpleQueue[_Change] = field(default_factory=SimpleQueue)
    took_s: list[float] = field(default_factory=list)
    never: list[_Change] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)


def write_and_follow(url: str, purpose: str, seconds: float) -> list[float]:
    """Seconds from each answer until a search showed the change, shortest first; every one of them was found."""
    followed, stop = _Followed(), threading.Event()

    def write(client: int) -> None:
        choices = rng(f"{purpose}, client {client}")
        due = began = time.monotonic()
        with ApiClient(url) as api_client:
            while time.monotonic() < began + seconds:
                try:
                    _write(api_client, followed, choices.random())
                except AssertionError as e:
                    followed.failures.append(str(e))
                due += _CLIENTS / WRITES_PER_S
                stop.wait(max(0.0, due - time.monotonic()))

    with ThreadPoolExecutor(_CLIENTS + 1) as pool:
        follower = pool.submit(_follow, url, followed, stop)
        try:
            list(pool.map(write, range(_CLIENTS)))
        finally:
            stop.set()
        follower.result(2 * _GIVE_UP_S)
    assert followed.failures == []
    assert followed.never == []
    return sorted(followed.took_s)


def _write(api_client: ApiClient, followed: _Followed, draw: float) -> None:
    known = None
    if draw > 0.4:
        try:
            known = followed.found.get_nowait()
        except Empty:
            known = None
    if known is None:
        asset_id, revision, deleted = api_client.create("followed", number=1)["id"], 1, False
    else:
        asset_id, revision, deleted = known[0], known[1] + 1, draw > 0.9
        headers = {"If-Match": f'"{known[1]}"'}
        if deleted:
            api_client.sure("DELETE", f"/v1/assets/{asset_id}", headers=headers)
        else:
            body = {"name": "followed", "metadata": {"number": revision}}
            api_client.sure("PUT", f"/v1/assets/{asset_id}", json=body, headers=headers)
    followed.open.put(_Change(asset_id, revision, deleted, time.monotonic()))


def _follow(url: str, followed: _Followed, stop: threading.Event) -> None:
    """Searches for all that is open, over and over, until nothing is and nothing more will come."""
    open_: list[_Change] = []
    with ApiClient(url) as api_client:
        while not stop.is_set() or open_ or not followed.open.empty():
            while len(open_) < _MOST_AT_ONCE and not followed.open.empty():
                open_.append(followed.open.get())
            if open_:
                open_ = _look(api_client, followed, open_)
            time.sleep(_LOOK_EVERY_S)


def _look(api_client: ApiClient, followed: _Followed, open_: list[_Change]) -> list[_Change]:
    """Those that the search does not show yet."""
    asked_s = time.monotonic()
    seen = api_client.revisions_found([change.asset_id for change in open_])
    answered_s = time.monotonic()
    still_open = []
    for change in open_:
        shown = seen.get(change.asset_id)
        if (shown is None) if change.deleted else (shown is not None and shown >= change.revision):
            followed.took_s.append(answered_s - change.answered_s)
            if not change.deleted:
                followed.found.put((change.asset_id, change.revision))
        elif asked_s - change.answered_s > _GIVE_UP_S:
            followed.never.append(change)
        else:
            still_open.append(change)
    return still_open
