"""What a command and all its children ask the system for: sockets and written files, read from strace's log.

Python's own hooks see nothing of what C++ does.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_CALLS = "network,open,openat,openat2,creat,mkdir,mkdirat,mknod,mknodat,rename,renameat,renameat2,link,linkat,symlink,symlinkat"
_NO_NETWORK = ("unshare", "--net", "--")
_SUPPRESSING = (
    "CI",
    "TF_BUILD",
    "GITHUB_ACTIONS",
    "GITLAB_CI",
    "CIRCLECI",
    "TRAVIS",
    "JENKINS_URL",
    "CODEBUILD_BUILD_ID",
    "BUILD_BUILDID",
)
"""Under a build server onnxruntime is silent by itself, which would hide that it isn't for users."""

_LINE = re.compile(r"^(?P<name>\w+)\((?P<arguments>.*)\)\s+= (?P<result>.*)$")
_FAMILY = re.compile(r"\b(AF_[A-Z0-9]+)")
_ADDRESS = re.compile(r'inet_addr\("([^"]+)"\)|inet_pton\(AF_INET6, "([^"]+)"')
_TEXT = re.compile(r'"((?:[^"\\]|\\.)*)"')
_OPENED = re.compile(r"^\d+<(.*?)(?: \(deleted\))?>$")
_WRITING = re.compile(r"O_WRONLY|O_RDWR|O_CREAT|O_TRUNC|O_APPEND")


def why_not() -> str:
    """The reason why system calls cannot be watched here, or nothing."""
    if shutil.which("strace") is None:
        return "strace is not installed (it is in the distribution's packages)"
    done = subprocess.run(["strace", "-f", "-o", os.devnull, "true"], capture_output=True, text=True)
    return "" if done.returncode == 0 else f"strace may not trace here: {done.stderr.strip()[:200]}"


@dataclass(frozen=True)
class Call:
    """One system call: its name, arguments and result as strace prints them."""

    name: str
    arguments: str
    result: str


@dataclass(frozen=True)
class Trace:
    """What became of a command, and its calls."""

    done: subprocess.CompletedProcess[str]
    calls: tuple[Call, ...]
    folder: Path

    def sockets(self) -> list[str]:
        """Every call that names a family of sockets other than AF_UNIX, as strace prints it."""
        return [
            f"{call.name}({call.arguments}) = {call.result}"
            for call in self.calls
            if any(family != "AF_UNIX" for family in _FAMILY.findall(call.arguments.replace("AT_FDCWD", "")))
        ]

    def addresses(self) -> set[str]:
        """Every internet address that a call names, but for those that a socket listens on or is told by the system."""
        asked = [call.arguments for call in self.calls if call.name in ("connect", "sendto", "sendmsg", "sendmmsg", "bind")]
        return {four or six for arguments in asked for four, six in _ADDRESS.findall(arguments)}

    def written(self) -> set[Path]:
        """Every file or folder that was made, opened for writing, or put somewhere under another name."""
        return {path for call in self.calls for path in _written(call, self.folder)}


def _written(call: Call, folder: Path) -> Iterator[Path]:
    if call.result.startswith(("-1", "?")):
        return
    if call.name in ("open", "openat", "openat2", "creat"):
        opened = _OPENED.match(call.result)
        if opened and (call.name == "creat" or _WRITING.search(call.arguments)):
            yield Path(opened[1])
    elif call.name.startswith(("mkdir", "mknod", "rename", "link", "symlink")):
        yield folder / _TEXT.findall(call.arguments)[-1]


def watch(command: Sequence[str], log: Path, env: Mapping[str, str], folder: Path, network: bool = False) -> Trace:
    """Run a command under strace, cut off from every network unless `network`, and wait for it.

    log: a folder that does not exist yet.
    """
    log.mkdir()
    cut_off = _NO_NETWORK if not network and _can_cut_off() else ()
    strace = ("strace", "-ff", "--seccomp-bpf", "-qq", "-y", "-s", "4096", "-e", f"trace={_CALLS}", "-o", str(log / "calls"))
    variables = {name: value for name, value in env.items() if name not in _SUPPRESSING}
    done = subprocess.run([*cut_off, *strace, *command], env=variables, cwd=folder, capture_output=True, text=True, timeout=1200)
    return Trace(done, tuple(_calls(log)), folder)


def _can_cut_off() -> bool:
    """Whether a process may be started without a network: whatever it tries to send then goes nowhere."""
    return shutil.which("unshare") is not None and not subprocess.run([*_NO_NETWORK, "true"], capture_output=True).returncode


def _calls(log: Path) -> Iterator[Call]:
    for file in sorted(log.iterdir()):
        for line in file.read_text("utf-8", "replace").splitlines():
            if found := _LINE.match(line):
                yield Call(found["name"], found["arguments"], found["result"])
