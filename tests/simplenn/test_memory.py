"""conserveMemory: the peak is two neighbouring outputs and what a block needs for its work."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import vlnn
from tests.simplenn.nets import array, bnorm, conv
from vlnn.simplenn import SimpleNN

SLACK = 200_000


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    vlnn.settings.threads = 1  # one that comes too late holds on to its arrays for a while


def chain() -> SimpleNN:
    single = np.float32
    return vlnn.vl_simplenn_tidy(
        {
            "layers": [
                conv(3, 3, 3, 16, single, pad=1),
                bnorm(16, single),
                {"type": "relu"},
                conv(3, 3, 16, 16, single, pad=1),
                {"type": "relu"},
                {"type": "pool", "pool": 2, "stride": 2, "method": "max"},
                conv(1, 1, 16, 24, single),
                {"type": "sigmoid"},
                {"type": "lrn"},
                conv(3, 3, 24, 2, single, pad=1),
            ]
        }
    )


def peak(action: Callable[[], Any]) -> int:
    """The most memory that a call takes, in bytes, once scratch memory that is kept has been made."""
    action()
    tracemalloc.start()
    try:
        action()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def workspaces(net: SimpleNN, x: Any) -> list[int]:
    """What each layer takes beside its input and its output."""
    extra = []
    for layer in net.layers:
        one = SimpleNN([layer])
        y = vlnn.vl_simplenn(one, x, mode="test")[1].x
        taken = peak(lambda one=one, x=x: vlnn.vl_simplenn(one, x, mode="test"))
        extra.append(max(taken - y.nbytes, 0))
        x = y
    return extra


def limit(net: SimpleNN, x: Any, count_input: bool) -> int:
    sizes = [result.x.nbytes for result in vlnn.vl_simplenn(net, x, mode="test")]
    if not count_input:
        sizes[0] = 0
    extra = workspaces(net, x)
    return SLACK + max(sum(each) for each in zip(sizes, sizes[1:], extra, strict=False))


def test_forward() -> None:
    net, x = chain(), array(160, 160, 3, 1, dtype=np.float32)
    everything = peak(lambda: vlnn.vl_simplenn(net, x, mode="test"))
    conserved = peak(lambda: vlnn.vl_simplenn(net, x, mode="test", conserveMemory=True))
    assert conserved <= limit(net, x, count_input=False)
    assert conserved < everything / 2


def test_predict() -> None:
    net, x = chain(), array(160, 160, 3, 1, dtype=np.float32)
    assert peak(lambda: net.predict(x)) <= limit(net, x, count_input=False)


def test_predict_lets_go_of_the_input_that_it_converts() -> None:
    net = vlnn.vl_simplenn_tidy({"layers": [conv(1, 1, 8, 1, np.float32)] + [{"type": "relu"}] * 3})
    x = array(200, 200, 8, 1)
    wide = x.nbytes // 2
    net.layers += [conv(1, 1, 1, 4, np.float32, pad=0, stride=1, dilate=1, opts=[])]
    assert peak(lambda: net.predict(x)) <= wide + x.nbytes // 16 + SLACK + max(workspaces(net, x.astype(np.float32)))


def test_backward() -> None:
    """The derivatives of two neighbours, beside all outputs."""
    net, x = chain(), array(96, 96, 3, 1, dtype=np.float32)
    outputs = sum(result.x.nbytes for result in vlnn.vl_simplenn(net, x, mode="normal")[1:])
    largest = 96 * 96 * 16 * 4
    dzdy = array(48, 48, 2, 1, dtype=np.float32)
    everything = peak(lambda: vlnn.vl_simplenn(net, x, dzdy))
    conserved = peak(lambda: vlnn.vl_simplenn(net, x, dzdy, conserveMemory=True))
    assert conserved < everything - 2 * largest
    assert conserved <= outputs + 3 * largest + max(workspaces(net, x)) + SLACK
