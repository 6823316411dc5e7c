"""The status line and the headers of a response, as bytes."""

import functools
import time
from email.utils import formatdate

from amp.server.messages import HttpResponse

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
#: Statuses whose responses have neither a body nor a Content-Length (RFC 9110, 8.6).
_BODILESS = (204, 304)


def head_of(answer: HttpResponse, *, is_last: bool) -> bytes:
    """Return the status line and the headers. With `is_last`, they announce that the connection is closed after this
    response.

    :raises ValueError: a header contains a line break.
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
        raise ValueError("a header of the response contains a line break")
    return head


@functools.lru_cache(maxsize=1)
def _date_line(now_s: int) -> bytes:
    return b"Date: " + formatdate(now_s, usegmt=True).encode()
