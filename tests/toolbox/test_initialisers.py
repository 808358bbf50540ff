"""Section 1.5 of the facts: the initial values, and their statistics."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy import stats

from tests.toolbox.reference import MAKERS, error_of
from vlnn import dagnn, transposedConv2dLayer

NUM_IN, NUM_OUT = 5 * 4 * 30, 5 * 4 * 40


def weights(how: Any, rng: Any = 0) -> Any:
    """24000 weights of 40 filters of 5x4 on 30 channels."""
    return (
        transposedConv2dLayer([5, 4], 40, "WeightsInitializer", how, "Stride", 3)
        .initialize([9, 9, 30], rng=rng)
        .Weights
    )


def test_glorot() -> None:
    """'numIn = h*w*NumChannels; numOut = h*w*NumFilters; glorot: U(-a,a), a = sqrt(6/(numIn+numOut)).'"""
    values, bound = weights("glorot"), math.sqrt(6 / (NUM_IN + NUM_OUT))
    assert np.abs(values).max() <= np.float32(bound)
    assert stats.kstest(values.ravel() / bound, stats.uniform(-1, 2).cdf).pvalue > 0.01
    assert values.var() == pytest.approx(2 / (NUM_IN + NUM_OUT), rel=0.03)  # '(variance 2/(numIn+numOut))'


@pytest.mark.parametrize(("how", "deviation"), [("he", math.sqrt(2 / NUM_IN)), ("narrow-normal", 0.01)])
def test_normal(how: str, deviation: float) -> None:
    """'he: N(0, 2/numIn); narrow-normal: N(0, 0.01^2)'"""
    values = weights(how)
    assert stats.kstest(values.ravel() / deviation, "norm").pvalue > 0.01
    assert values.std() == pytest.approx(deviation, rel=0.02)


@pytest.mark.parametrize(("how", "value"), [("zeros", 0), ("ones", 1)])
def test_constant(how: str, value: float) -> None:
    np.testing.assert_array_equal(weights(how), np.float32(value))


def test_he_is_the_initialiser_of_dagnn() -> None:
    """'dagnn.ConvTranspose.initParams: 2/(h*w*FD): coincides with MATLAB he, since FD = NumChannels.'"""
    dagnn_weights, _ = dagnn.ConvTranspose(size=[5, 4, 40, 30]).initParams()
    assert dagnn_weights.std() == pytest.approx(weights("he").std(), rel=0.03)


@pytest.mark.parametrize("how", ["glorot", "he", "narrow-normal"])
def test_stride_is_not_used(how: str) -> None:
    """'Stride is not used in any of these formulas.'"""
    one = transposedConv2dLayer(3, 4, "WeightsInitializer", how, "Stride", 1).initialize([5, 5, 2], rng=7)
    many = transposedConv2dLayer(3, 4, "WeightsInitializer", how, "Stride", 5).initialize([5, 5, 2], rng=7)
    np.testing.assert_array_equal(one.Weights, many.Weights)


@pytest.mark.parametrize(("how", "mean", "deviation"), [("zeros", 0, 0), ("ones", 1, 0), ("narrow-normal", 0, 0.01)])
def test_bias(how: str, mean: float, deviation: float) -> None:
    """'BiasInitializer: zeros, narrow-normal, ones' (1.1)"""
    bias = transposedConv2dLayer(1, 20000, "BiasInitializer", how).initialize([1, 1, 1], rng=0).Bias
    assert bias.shape == (1, 1, 20000)
    assert bias.mean() == pytest.approx(mean, abs=3e-4)
    assert bias.std() == pytest.approx(deviation, rel=0.02)


# Functions: 'handle weights=func(sz), bias=func(sz)' (1.1)


def test_functions_of_the_size() -> None:
    sizes: list[tuple[int, ...]] = []

    def count(size: tuple[int, ...]) -> Any:
        sizes.append(size)
        return np.arange(math.prod(size)).reshape(size)

    layer = transposedConv2dLayer([3, 2], 4, "WeightsInitializer", count, "BiasInitializer", count).initialize(
        [5, 5, 6]
    )
    assert sizes == [(3, 2, 4, 6), (1, 1, 4)]
    np.testing.assert_array_equal(layer.Weights, np.arange(144).reshape(3, 2, 4, 6))
    np.testing.assert_array_equal(layer.Bias.ravel(), np.arange(4))
    assert layer.Weights.dtype == np.float32


def test_functions_may_drop_ones_at_the_end() -> None:
    layer = transposedConv2dLayer(3, 4, "WeightsInitializer", lambda size: np.ones((3, 3, 4))).initialize([5, 5, 1])
    assert layer.Weights.shape == (3, 3, 4, 1)


@pytest.mark.parametrize("result", [np.ones((3, 3)), 1.0, "ones", None, np.ones((3, 3, 4, 2, 2))])
def test_functions_that_return_something_else(result: Any) -> None:
    layer = transposedConv2dLayer(3, 4, "WeightsInitializer", lambda size: result)
    assert error_of(layer.initialize, [5, 5, 2]).startswith("WeightsInitializer is not ")
    assert layer.Weights.size == 0


# Seeds, sizes, classes


def test_seeds() -> None:
    np.testing.assert_array_equal(weights("he", 3), weights("he", np.random.default_rng(3)))
    assert (weights("he", 3) != weights("he", 4)).all()
    assert (weights("he", None) != weights("he", None)).all()
    rng = np.random.default_rng(3)
    assert (weights("he", rng) != weights("he", rng)).all()


def test_a_seed_gives_the_same_numbers_in_single_and_double() -> None:
    single = transposedConv2dLayer(3, 4).initialize(np.ones((5, 5, 2), np.float32), rng=0)
    double = transposedConv2dLayer(3, 4).initialize(np.ones((5, 5, 2)), rng=0)
    whole = transposedConv2dLayer(3, 4).initialize(np.ones((5, 5, 2), np.uint8), rng=0)
    assert (single.Weights.dtype, single.Bias.dtype) == (np.float32, np.float32)
    assert (double.Weights.dtype, double.Bias.dtype) == (np.float64, np.float64)
    np.testing.assert_array_equal(single.Weights, double.Weights.astype(np.float32))
    assert whole == single


@pytest.mark.parametrize("size", [[5, 5, 2], (5, 5, 2, 7), np.array([5, 5, 2]), np.array([5, 5, 2], np.uint8)])
def test_sizes(size: Any) -> None:
    layer = transposedConv2dLayer(3, 4).initialize(size, rng=0)
    assert layer == transposedConv2dLayer(3, 4).initialize(np.ones((5, 5, 2), np.float32), rng=0)
    assert layer.Weights.flags.f_contiguous


@pytest.mark.parametrize("size", [[5, 5], [5], [], 5, [5, 5, 0], [5, 5, 2, 1, 1]])
def test_sizes_that_are_none(size: Any) -> None:
    with pytest.raises(ValueError, match=r"The size of the input is not|X has more dimensions|NumChannels"):
        transposedConv2dLayer(3, 4).initialize(size)


def test_initialize_without_an_example() -> None:
    assert transposedConv2dLayer(3, 4, "NumChannels", 2).initialize(rng=0).Weights.shape == (3, 3, 4, 2)
    assert transposedConv2dLayer(3, 4, "Weights", np.ones((3, 3, 4, 2))).initialize().Bias.shape == (1, 1, 4)
    assert error_of(transposedConv2dLayer(3, 4).initialize).startswith(
        "NumChannels is 'auto'. initialize needs an input"
    )


def test_initialize_twice_changes_nothing() -> None:
    layer = transposedConv2dLayer(3, 4).initialize([5, 5, 2], rng=0)
    assert layer.copy().initialize([9, 9, 2], rng=1) == layer


@pytest.mark.parametrize("dims", [1, 3])
def test_other_layers(dims: int) -> None:
    """'numIn = FilterSize(1)*FilterSize(2)*NumChannels', over as many dimensions as there are."""
    layer = MAKERS[dims](3, 40).initialize([5] * dims + [30], rng=0)
    assert layer.Weights.var() == pytest.approx(2 / (3**dims * 70), rel=0.05)
    assert layer.Bias.shape == (1,) * dims + (40,)
