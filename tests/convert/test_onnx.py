"""Networks as ONNX models: what runtimes compute from them is what vlnn does, and they come back whole."""

from __future__ import annotations

import tempfile
from pathlib import Path

import hypothesis
import pytest

from tests.convert import cases, networks
from tests.convert.cases import CASES, Case, Values
from vlnn.convert import Checkpoint
from vlnn.convert import onnx as formats_onnx

onnx = pytest.importorskip("onnx", reason="onnx is not installed: pip install 'vlnn[onnx]'")
pytest.importorskip("onnxruntime", reason="onnxruntime is not installed: pip install 'vlnn[onnx]'")


def run(checkpoint: Checkpoint, inputs: Values, outputs: list[str]) -> Values:
    """What ONNX Runtime computes; the model is valid."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "net.onnx")
        formats_onnx.write(checkpoint, path)
        onnx.checker.check_model(onnx.load(path), full_check=True)
        return formats_onnx.run(path, inputs, outputs)


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
