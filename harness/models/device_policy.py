"""How answers are computed on this machine, decided without importing torch.

The policy is part of every answer's cache key, so it must be known before a model is loaded.
Weights are float32 on a CPU (bfloat16 needs hardware that most lack and changes results), and
bfloat16 on a GPU that computes it; log-softmax is always in float32, sums in float64.
"""

from __future__ import annotations

import ctypes
import os
import re
import sys
from importlib.util import find_spec
from pathlib import Path

from harness.core.errors import SuiteError, unknown

SCORING_VERSION = 5
"""Raised whenever a change of code changes a score beyond rounding, or what answers say of themselves."""

DEVICES = ("auto", "cpu", "cuda", "mps")
SPREAD = "cuda:auto"
"""One model over all GPUs, as accelerate's `device_map: auto` spreads it; it could not be tried yet."""
_NUMBERED = re.compile(r"cuda:(\d{1,2})")
_BFLOAT16_CAPABILITY = 8
_CAPABILITY_MAJOR = 75


def answer_policy(device: str = "auto") -> dict[str, str | int]:
    """Device, weight type and scoring version that `open_model(device=…)` will use.

    Args:
        device: `auto` (a CUDA GPU that torch can use, else the CPU), `cpu`, `cuda`, `cuda:1`, `cuda:auto` or `mps`.

    Returns:
        The kind of device, whichever of several it is: GPUs of one capability answer alike.

    Raises:
        SuiteError: for any other word.
    """
    numbered = _NUMBERED.fullmatch(device)
    if device not in (*DEVICES, SPREAD) and numbered is None:
        raise SuiteError(unknown("device", device, (*DEVICES, "cuda:0", "cuda:1", SPREAD)))
    capability = cuda_capability(int(numbered.group(1)) if numbered else 0) if device not in {"cpu", "mps"} else None
    if device.startswith("cuda"):
        device = "cuda"
    if device == "auto":
        device = "cpu" if capability is None else "cuda"
    bfloat16 = device == "cuda" and (capability or 0) >= _BFLOAT16_CAPABILITY
    return {"device": device, "dtype": "bfloat16" if bfloat16 else "float32", "scoring": SCORING_VERSION}


def place_of(device: str, kind: str) -> str:
    """Where a model is loaded: the device as it was asked for, where that names one of several."""
    return device if device == SPREAD or _NUMBERED.fullmatch(device) else kind


def cuda_capability(number: int = 0) -> int | None:
    """Major compute capability of a GPU that torch was built for and may see, or None."""
    if not _torch_has_cuda() or os.environ.get("CUDA_VISIBLE_DEVICES", "0").strip() in {"", "-1"}:
        return None
    try:
        driver = ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
        handle, major = ctypes.c_int(), ctypes.c_int()
        failed = (
            driver.cuInit(0)
            or driver.cuDeviceGet(ctypes.byref(handle), number)
            or driver.cuDeviceGetAttribute(ctypes.byref(major), _CAPABILITY_MAJOR, handle)
        )
    except (OSError, AttributeError):
        return None
    return None if failed else major.value


def _torch_has_cuda() -> bool:
    spec = find_spec("torch")
    if spec is None or spec.origin is None:
        return False
    version = Path(spec.origin).with_name("version.py")
    return version.is_file() and re.search(r"^cuda\b[^=\n]*=\s*['\"]", version.read_text("utf-8"), re.M) is not None
