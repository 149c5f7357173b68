"""Switch off the telemetry of native libraries before they are loaded.

onnxruntime sends events and a persistent device id to its maker from 1.29 on, by default, from C++: whoever watches
Python's sockets does not see it. It reads its environment once, when it is loaded, so this module is the first thing
that each of our packages imports.
"""

from __future__ import annotations

import os
import re
import sys
import warnings

VARIABLE = "ORT_DISABLE_TELEMETRY"
LOADED_BEFORE = (
    f"onnxruntime was loaded before faceparity, with its telemetry on: it may send its maker facts about this machine. "
    f"Import faceparity first, or set {VARIABLE}=1 before Python starts"
)

_FIRST_WITH_TELEMETRY = (1, 29)
_ON = frozenset({"1", "true", "yes", "on"})


def switch_off_telemetry() -> None:
    """Set the environment so that onnxruntime collects and sends nothing.

    Child processes inherit it. Where another program loaded onnxruntime before, without the variable, it is too late: a
    RuntimeWarning says so, once a process, and `harness.models.onnx_session` switches off what can be switched off later.
    """
    too_late = os.environ.get(VARIABLE, "").lower() not in _ON and _loaded_with_telemetry()
    os.environ[VARIABLE] = "1"
    if too_late:
        warnings.warn(LOADED_BEFORE, RuntimeWarning, stacklevel=3)


def _loaded_with_telemetry() -> bool:
    """Return whether an onnxruntime with telemetry is loaded already.

    Those from version 1.29 on have it.
    """
    module = sys.modules.get("onnxruntime")
    numbers = re.match(r"(\d+)\.(\d+)", str(getattr(module, "__version__", "")))
    return numbers is not None and (int(numbers[1]), int(numbers[2])) >= _FIRST_WITH_TELEMETRY
