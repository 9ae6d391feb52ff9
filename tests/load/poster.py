"""A client that crashes again and again: ``python -m tests.load.poster URL DUMP POSTS RATE NAME``.

It waits for a line on standard input, then posts the dump ``POSTS`` times, ``RATE`` a second (0: as fast as it is
answered), each with an event id of its own that begins with ``NAME``. Clients begin at random within their interval.
For each post it prints the status, the event id that was answered, and the milliseconds from when the post was due to
its answer.
"""

from __future__ import annotations

import http.client
import random
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

BOUNDARY = "load"
HEADERS = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
PATIENCE = 60
EVENT_ID = '--{}\r\nContent-Disposition: form-data; name="sentry[event_id]"\r\n\r\n{}\r\n'
DUMP = '--{}\r\nContent-Disposition: form-data; name="upload_file_minidump"; filename="a.dmp"\r\n\r\n'


def main(arguments: list[str]) -> None:
    """Post until done."""
    url, dump, posts, rate, name = arguments
    content, interval = Path(dump).read_bytes(), 1 / float(rate) if float(rate) else 0.0
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=PATIENCE)
    sys.stdin.readline()
    due = time.monotonic() - interval * random.random()
    for number in range(int(posts)):
        due = due + interval if interval else time.monotonic()
        time.sleep(max(0.0, due - time.monotonic()))
        status, answer = post(connection, f"{parts.path}?{parts.query}", body(content, f"{name}{number:08x}"))
        print(status, answer, f"{1000 * (time.monotonic() - due):.1f}", flush=True)


def post(connection: http.client.HTTPConnection, path: str, content: bytes) -> tuple[int, str]:
    """Status and text of the answer; 0 when there is none. The next post opens the connection again."""
    try:
        connection.request("POST", path, content, HEADERS)
        answer = connection.getresponse()
        return answer.status, answer.read().decode().replace("-", "").replace(" ", "_")
    except (OSError, http.client.HTTPException) as error:
        connection.close()
        return 0, type(error).__name__


def body(dump: bytes, event_id: str) -> bytes:
    """A form with a dump and an event id."""
    head = EVENT_ID.format(BOUNDARY, event_id) + DUMP.format(BOUNDARY)
    return head.encode() + dump + f"\r\n--{BOUNDARY}--\r\n".encode()


if __name__ == "__main__":
    main(sys.argv[1:])
