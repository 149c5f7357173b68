"""The process behind a command: what it writes is bounded in memory and in time, and nothing that it started outlives it."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

POSIX = os.name == "posix"
TAIL = 4096
"""Bytes of standard error that are kept: its end."""

_CHUNK = 1 << 16
_GLANCE = 0.05
"""Seconds after which a wait for output looks whether the process still lives: a child of it may hold the pipe open."""

_ENDING = 5.0
"""Seconds that a command has to end in after its standard input did."""


class Output:
    """What comes out of a pipe, read by a thread as it comes.

    most: bytes that may wait. With `tail`, only the last bytes are kept; without, the thread stops reading, and the writer has to wait,
    until some are taken.
    """

    def __init__(self, stream: IO[bytes], most: int, *, tail: bool = False) -> None:
        self._stream, self._most, self._tail = stream, most, tail
        self._buffer = bytearray()
        self._ended = self._closed = False
        self.changed = threading.Condition()
        if POSIX:
            os.set_blocking(stream.fileno(), False)
        self._thread = threading.Thread(target=self._read_on, daemon=True)
        self._thread.start()

    def _read_on(self) -> None:
        while not self._ended and not self._closed:
            if POSIX:
                # Wait in slices of a second, until the stream ends or is closed.
                _readable(self._stream, 1000)
                with self.changed:
                    self.changed.wait_for(lambda: self._room() or self._closed)
                    self._take()
            else:
                self._append(os.read(self._stream.fileno(), _CHUNK))
        with suppress(OSError):
            self._stream.close()

    def _room(self) -> bool:
        return self._tail or len(self._buffer) <= self._most

    def _append(self, data: bytes) -> None:
        with self.changed:
            self.changed.wait_for(lambda: self._room() or self._closed)
            self._ended |= not data
            self._buffer += data
            if self._tail:
                del self._buffer[: -self._most]
            self.changed.notify_all()

    def _take(self) -> None:
        """Take what is in the pipe; the lock is held."""
        if not self._ended and not self._closed and self._room():
            with suppress(BlockingIOError):
                self._append(os.read(self._stream.fileno(), _CHUNK))

    def waiting(self) -> bytes:
        """Return what has come and was not taken.

        What is still in the pipe is included.
        """
        with self.changed:
            if POSIX:
                self._take()
            return bytes(self._buffer)

    def line(self, deadline: float, is_alive: Callable[[], bool]) -> bytes | None:
        """Take the next line; None past the deadline.

        Where the stream or its process ends, it is what there is of a line. A line longer than `most` is returned as far as it came,
        without its end.
        """
        with self.changed:
            while True:
                ended = not is_alive()
                if ended and POSIX:
                    self._take()
                end = self._buffer.find(b"\n") + 1
                if end or ended or self._ended or not self._room():
                    taken = bytes(self._buffer[: end or self._most + 1])
                    del self._buffer[: len(taken)]
                    self.changed.notify_all()
                    return taken
                seconds = deadline - time.monotonic()
                if seconds <= 0:
                    return None
                self.changed.wait(min(seconds, _GLANCE))

    def wait_any(self, seconds: float) -> bool:
        """Wait for output or the stream's end.

        Returns whether either came within this time.
        """
        with self.changed:
            return self.changed.wait_for(lambda: self._buffer or self._ended, seconds) and bool(self._buffer or self._ended)

    def wait_end(self, seconds: float) -> bool:
        """Wait for the stream's end.

        Returns whether it came within this time.
        """
        with self.changed:
            return self.changed.wait_for(lambda: self._ended, seconds)

    def close(self) -> None:
        """Release the thread, which closes the stream."""
        with self.changed:
            self._closed = True
            self.changed.notify_all()


def _readable(stream: IO[bytes], milliseconds: int) -> None:
    poll = select.poll()
    poll.register(stream.fileno(), select.POLLIN)
    poll.poll(milliseconds)


class Command:
    """A running command, alone in a session of its own where the system has them, so that all it starts ends with it."""

    def __init__(self, words: Sequence[str], folder: Path, environment: Mapping[str, str], longest_line: int) -> None:
        """Start the command.

        Raises OSError if it can't be started.
        """
        reader, writer = os.pipe()
        try:
            self.process = subprocess.Popen(
                words,
                stdin=reader,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                cwd=folder,
                env=dict(environment),
                bufsize=0,
                start_new_session=POSIX,
            )
        except BaseException:
            os.close(reader)
            os.close(writer)
            raise
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        # The reading end is kept: it shows how much of what was written the command has not taken yet.
        self._reader, self._writer = reader, writer
        if POSIX:
            os.set_blocking(writer, False)
        else:
            os.close(reader)
        self.output = Output(self.process.stdout, longest_line)
        self.errors = Output(self.process.stderr, TAIL, tail=True)
        _running.add(self)

    def is_alive(self) -> bool:
        """Return whether the command runs.

        One that ended is not waited for yet: until then its process number is that of its group alone.
        """
        if self.process.returncode is not None or not hasattr(os, "waitid"):
            return self.process.poll() is None
        try:
            return os.waitid(os.P_PID, self.process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None
        except ChildProcessError:
            return False

    def write(self, data: bytes, deadline: float) -> bool:
        """Write all of the data.

        Returns False if the command ended or did not take it in time.
        """
        while data:
            if not self.is_alive() or time.monotonic() > deadline:
                return False
            try:
                data = data[os.write(self._writer, data) :]
            except BlockingIOError:
                time.sleep(_GLANCE / 10)
            except OSError:
                return False
        return True

    def has_taken_all(self) -> bool:
        """Return whether the command has read all its input.

        False where the system does not say.
        """
        if not POSIX:
            return False
        import fcntl
        import termios

        return int.from_bytes(fcntl.ioctl(self._reader, termios.FIONREAD, bytes(4)), sys.byteorder) == 0

    def wait_taken(self, deadline: float) -> bool:
        """Wait until the command has read all its input.

        Returns False if it ended or did not in time.
        """
        pause = 0.0
        while POSIX and not self.has_taken_all():
            if not self.is_alive() or time.monotonic() > deadline:
                return False
            time.sleep(pause)
            pause = min(pause + 0.0001, _GLANCE / 10)
        return True

    def finish(self) -> bytes:
        """End the command by ending its standard input.

        By force if it does not end then. Returns what was left of its output, up to a line's bound.
        """
        self._close_input()
        deadline = time.monotonic() + _ENDING
        while self.is_alive() and time.monotonic() < deadline:
            self.output.wait_end(_GLANCE)
        rest = self.output.waiting()
        self.kill()
        return rest

    def kill(self) -> str:
        """End the command and all that it started.

        Returns the last line of its standard error.
        """
        if POSIX:
            # Also when it has ended: processes that it started may still run and keep the pipes open.
            if self.process.returncode is None:
                with suppress(ProcessLookupError, PermissionError):
                    os.killpg(self.process.pid, signal.SIGKILL)
        else:
            self.process.kill()
        self.process.wait()
        self._close_input()
        if not POSIX:
            self.errors.wait_end(_GLANCE)
        lines = self.errors.waiting().decode("utf-8", "replace").strip().splitlines()
        for pipe in (self.output, self.errors):
            pipe.close()
        _running.discard(self)
        return lines[-1].strip()[:200] if lines else ""

    def _close_input(self) -> None:
        for descriptor in (self._writer, self._reader if POSIX else -1):
            if descriptor >= 0:
                with suppress(OSError):
                    os.close(descriptor)
        self._writer = self._reader = -1


_running: weakref.WeakSet[Command] = weakref.WeakSet()


def kill_running() -> None:
    """End every command of this process by force.

    For a process that is about to be ended itself without a chance to clean up.
    """
    for command in list(_running):
        if POSIX:
            with suppress(OSError):
                os.killpg(command.process.pid, signal.SIGKILL)
        else:
            command.process.kill()
