"""`python tests/faults/killer.py SECONDS EVERY AGE COMMAND…`: run a command and kill its worker processes, as a lack of memory would.

For SECONDS seconds, every EVERY seconds, SIGKILL goes to each worker process that is AGE seconds old or older; never to the command
itself. Prints how many were killed, then how the command ended.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


def workers(pid: int, age: float) -> list[int]:
    """The worker processes of a run, of this age in seconds at least."""
    found = []
    with suppress(OSError):
        up = float(Path("/proc/uptime").read_text().split()[0])
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            with suppress(OSError):
                began = float(Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()[19]) / TICKS
                if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes() and up - began >= age:
                    found.append(int(child))
    return found


def kill_workers(pid: int, age: float) -> int:
    """SIGKILL to each of them; how many there were."""
    found = workers(pid, age)
    for one in found:
        with suppress(ProcessLookupError):
            os.kill(one, signal.SIGKILL)
    return len(found)


def main(seconds: float, every: float, age: float, command: list[str]) -> int:
    """The exit status of the command."""
    start, killed = time.monotonic(), 0
    running = subprocess.Popen(command)
    while running.poll() is None and time.monotonic() - start < seconds:
        killed += kill_workers(running.pid, age)
        time.sleep(every)
    status = running.wait()
    print(f"{killed} workers killed; the command ended after {time.monotonic() - start:.0f} s with exit status {status}")
    return status


if __name__ == "__main__":
    sys.exit(main(*map(float, sys.argv[1:4]), sys.argv[4:]))
