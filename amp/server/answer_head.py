"""The first lines of an answer, as bytes."""

import functools
import time
from email.utils import formatdate

from amp.server.messages import HttpResponse

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
#: Their answers have no body, and say nothing about its length (RFC 9110, 8.6).
_BODILESS = (204, 304)


def head_of(answer: HttpResponse, *, is_last: bool) -> bytes:
    """Status line and headers. `is_last`: the connection is closed after this answer.

    :raises ValueError: a line would be two.
    """
    lines = [b"HTTP/1.1 %d %s" % (answer.status, answer.reason.encode("latin-1"))]
    lines += [b"%s: %s" % header for header in answer.headers]
    if answer.status not in _BODILESS and not any(name.lower() == b"content-length" for name, _ in answer.headers):
        lines.append(b"Content-Length: %d" % len(answer.body))
    lines.append(_date_line(int(time.time())))
    if is_last:
        lines.append(b"Connection: close")
    head = b"\r\n".join((*lines, b"", b""))
    if head.count(b"\n") + head.count(b"\r") != 2 * len(lines) + 2:
        raise ValueError("a header of the answer holds a line break")
    return head


@functools.lru_cache(maxsize=1)
def _date_line(now_s: int) -> bytes:
    return b"Date: " + formatdate(now_s, usegmt=True).encode()
