"""The program that answers for one host while it is verified.

Sent over the shared SSH connection and run there by root's python3; needs only the standard
library of Python 3.9 or newer, writes nothing to disk and ends with its input. One JSON
object a line. In: {"id", "command", "timeout", "stdin"}; out: {"id", "rc", "out", "err"};
streams are in base64. Commands run side by side, each in a session of its own.
"""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

PROTOCOL = 1
AT_ONCE = 4
TIMED_OUT = 124  # as timeout(1) says it
LARGEST = 8 * 2**20  # bytes of output kept of one command


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """Run one command with /bin/sh; its exit code and what it wrote."""
    child = subprocess.Popen(
        request["command"],
        shell=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    given = base64.b64decode(request.get("stdin", ""))
    try:
        out, err = child.communicate(given, timeout=request["timeout"])
        rc = child.returncode
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        out, err = child.communicate()
        rc, err = TIMED_OUT, err + b"\nno end within the time allowed"
    return {
        "id": request["id"],
        "rc": rc,
        "out": base64.b64encode(out[:LARGEST]).decode(),
        "err": base64.b64encode(err[:LARGEST]).decode(),
    }


def main() -> None:
    os.environ["PATH"] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    os.environ["LC_ALL"] = "C.UTF-8"
    lock = threading.Lock()

    def say(message: dict[str, Any]) -> None:
        line = json.dumps(message) + "\n"
        with lock:
            sys.stdout.write(line)
            sys.stdout.flush()

    def serve(request: dict[str, Any]) -> None:
        try:
            say(answer(request))
        except BrokenPipeError:
            os._exit(0)
        except Exception as failure:
            say(
                {
                    "id": request["id"],
                    "rc": 126,
                    "out": "",
                    "err": base64.b64encode(str(failure).encode()).decode(),
                }
            )

    say({"hanoi-agent": PROTOCOL, "uid": os.getuid()})
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for line in sys.stdin.buffer:
            pool.submit(serve, json.loads(line))
        pool.shutdown(wait=False, cancel_futures=True)


if __name__ == "__main__":
    main()
