"""Networks as modules of PyTorch: they compute what vlnn does, train, and come back whole from .pt files."""

from __future__ import annotations

from pathlib import Path

import hypothesis
import numpy as np
import pytest

from tests.convert import cases, networks
from tests.convert.cases import CASES, Case, Values
from vlnn.convert import Checkpoint

torch = pytest.importorskip("torch", reason="torch is not installed: pip install 'vlnn[torch]'")
formats_torch = pytest.importorskip("vlnn.convert.torch")


def run(checkpoint: Checkpoint, inputs: Values, outputs: list[str]) -> Values:
    """What the module computes."""
    module = formats_torch.to_module(checkpoint)
    tensors = [tensor(inputs[name]) for name in module.inputs]
    with torch.no_grad():
        found = module(*tensors, outputs=outputs)
    return {name: value.numpy().transpose(2, 3, 1, 0) for name, value in found.items()}


def tensor(x: cases.Array) -> cases.Array:
    """An array of MATLAB's order as a tensor."""
    four = x.reshape((*x.shape, 1, 1, 1)[:4])
    return torch.from_numpy(np.ascontiguousarray(four.transpose(3, 2, 0, 1)))


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_blocks(case: Case) -> None:
    case.agrees(run)


@hypothesis.settings(max_examples=60)
@hypothesis.given(case=cases.convolutions())
def test_convolutions(case: Case) -> None:
    case.agrees(run)


@hypothesis.settings(max_examples=60)
@hypothesis.given(case=cases.transposed_convolutions())
def test_transposed_convolutions(case: Case) -> None:
    case.agrees(run)


@hypothesis.settings(max_examples=60)
@hypothesis.given(case=cases.poolings())
def test_pooling(case: Case) -> None:
    case.agrees(run)


@hypothesis.settings(max_examples=30)
@hypothesis.given(case=cases.channel_normalisations())
def test_normalisation_across_channels(case: Case) -> None:
    case.agrees(run)


@pytest.mark.parametrize("path", networks.files())
def test_trained_networks(path: Path) -> None:
    cases.trained(path).agrees(run)
