"""Plan convolutions with the real cuDNN for a card that is not there, and print what came of it.

A process of its own, because libcudnn has to find a libcuda: test_planning.py compiles one that has no device. The
card is described from NVIDIA's data sheet of the H200; what cuDNN picks on a real one may differ.
"""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np

from tests.cudnn.test_graphs import OPERATIONS, geometry_of
from tests.geometries import LAYERS, Call, conv, convt
from vlnn.engines.cudnn.plans import Choices, plan_for

H200 = {
    "maxGridSize": [2147483647, 65535, 65535],
    "maxBlockSize": [1024, 1024, 64],
    "regsPerBlock": 65536,
    "multiProcessorCount": 132,
    "smCountOrigin": 0,
    "warpSize": 32,
    "maxSharedMemoryPerBlock": 49152,
    "maxSharedMemoryPerBlockOptin": 232448,
    "oversizedSharedMemoryPerBlock": 0,
    "reservedSharedMemoryPerBlock": 1024,
    "maxRegistersPerSM": 65536,
    "maxCtasPerSM": 32,
    "maxThreadsPerBlock": 1024,
    "maxThreadsPerSM": 2048,
    "pciDeviceId": 0,
    "isTccDriver": 0,
    "supportCoopLaunch": 1,
    "totalGlobalMem": 150 * 10**9,
    "smClockRateKHz": 1980000,
    "memClockRateKHz": 3201000,
    "memoryBusWidth": 6144,
    "l2CacheSize": 62914560,
    "cudaDeviceId": 0,
    "deviceVer": 900,
    "driverVer": 13000,
    "deviceName": "NVIDIA H200",
}
CALLS = {
    "asymmetric": conv((30, 31, 16, 4), (3, 4, 16, 32), 2, (0, 1, 2, 0)),
    "dilated": conv((30, 31, 16, 4), (3, 3, 16, 32), 1, 2, 2),
    "grouped": conv((30, 31, 16, 4), (3, 3, 4, 32), 1, 1),
    "all at once": conv((30, 31, 16, 4), (3, 3, 4, 32), (2, 1), (2, 1, 0, 3), (1, 2)),
    "filters as large as the image": conv((7, 7, 32, 20), (7, 7, 32, 40)),
    "filters larger than the image": conv((3, 4, 3, 2), (5, 5, 3, 4), 1, 2),
    "pad wider than the filters": conv((6, 6, 3, 2), (2, 2, 3, 4), 1, 3),
    "stride wider than the filters": conv((20, 20, 3, 2), (2, 2, 3, 4), 5),
    "one channel": conv((9, 9, 1, 1), (3, 3, 1, 1)),
    "depthwise": conv((28, 28, 64, 2), (3, 3, 1, 64), 1, 1),
    "upsampling": convt((34, 34, 21, 1), (4, 4, 1, 21), 2, 0, 21),
    "gaps between the taps": convt((9, 7, 6, 2), (2, 3, 2, 6), (5, 4), (1, 0, 2, 3), 3),
    "much work": conv((130, 130, 64, 16), (4, 4, 64, 128), 2),
    **{str(call): call for call in LAYERS},
}
DEFAULT = Choices(512.0 * 2**20, False, False, False)
CHOICES = {
    "default": DEFAULT,
    "no limit": DEFAULT._replace(limit=math.inf),
    "no workspace": DEFAULT._replace(limit=0.0),
    "tf32": DEFAULT._replace(tf32=True),
    "deterministic": DEFAULT._replace(deterministic=True),
}


def plans(frontend: Any, place: dict[str, Any], name: str, call: Call, choice: str, dtype: Any) -> list[dict[str, Any]]:
    found = []
    for operation in OPERATIONS:
        plan = plan_for(frontend, place, operation, geometry_of(call), np.dtype(dtype), CHOICES[choice])
        workspace = None if plan is None else plan.workspace
        about = {"call": name, "operation": operation, "class": np.dtype(dtype).name, "choice": choice}
        found.append({**about, "workspace": workspace})
    return found


def main() -> None:
    import cudnn

    properties = cudnn.create_device_properties(json.dumps(H200))
    place = {"device_property": properties, "sm_version": 90, "sm_count": H200["multiProcessorCount"]}
    found = []
    for name, call in CALLS.items():
        for dtype in (np.float32, np.float64):
            found += plans(cudnn, place, name, call, "default", dtype)
    for choice in CHOICES:
        found += plans(cudnn, place, "much work", CALLS["much work"], choice, np.float32)
    tuned = plan_for(
        cudnn,
        place,
        "conv_wgrad",
        geometry_of(CALLS["much work"]),
        np.dtype(np.float32),
        DEFAULT._replace(autotune=True),
    )
    assert tuned is not None
    print(json.dumps({"version": cudnn.backend_version_string(), "plans": found, "candidates": len(tuned._candidates)}))


if __name__ == "__main__":
    main()
