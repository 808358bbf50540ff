"""What the toolbox asks of CuPy's arrays: a stand-in that has NumPy's methods and refuses NumPy's functions."""

from __future__ import annotations

import sys
import types
from typing import Any

import numpy as np
import pytest

import vlnn
from tests.toolbox.reference import MAKERS, numbers
from vlnn.engines import engine_for
from vlnn.matlab.arrays import library
from vlnn.toolbox import to_torch, transposition

CPU = engine_for(np.zeros(1))


def inside(value: Any) -> Any:
    """NumPy's array in a stand-in, also in tuples."""
    if type(value) is tuple:
        return tuple(inside(each) for each in value)
    assert not isinstance(value, np.ndarray), "NumPy's array among CuPy's"
    return value.array if type(value) is OnGpu else value


def outside(value: Any) -> Any:
    return OnGpu(value) if isinstance(value, (np.ndarray, np.generic)) else value


class OnGpu:
    """An array that NumPy's functions cannot read, as CuPy's."""

    __module__ = "cupy"

    def __init__(self, array: Any) -> None:
        self.array = np.asarray(array)

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        raise TypeError("Implicit conversion to a NumPy array is not allowed.")

    def __array_function__(self, function: Any, *args: Any) -> Any:
        raise TypeError(f"numpy.{function.__name__} is called on CuPy's array.")

    __array_ufunc__ = None

    def get(self) -> Any:
        return self.array

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.array, name)
        if callable(found):
            return lambda *args, **kwargs: outside(found(*inside(args), **kwargs))
        return outside(found)

    def __getitem__(self, at: Any) -> Any:
        return outside(self.array[at])

    def __setitem__(self, at: Any, value: Any) -> None:
        self.array[at] = inside(value)

    def __iadd__(self, other: Any) -> Any:
        self.array += inside(other)
        return self

    def __add__(self, other: Any) -> Any:
        return outside(self.array + inside(other))


class Engine:
    """The CPU's engine on stand-ins, which have to be C-ordered."""

    def __getattr__(self, name: str) -> Any:
        def primitive(*args: Any) -> Any:
            arrays = [each for each in args if type(each) is OnGpu]
            assert arrays
            assert all(each.array.flags.c_contiguous for each in arrays)
            return outside(getattr(CPU, name)(*inside(args)))

        return primitive


@pytest.fixture(autouse=True)
def _cupy(monkeypatch: pytest.MonkeyPatch) -> None:
    module = types.ModuleType("cupy")
    module.ndarray = OnGpu  # type: ignore[attr-defined]
    module.asarray = lambda array: outside(array)  # type: ignore[attr-defined]
    for name in ("zeros", "ascontiguousarray", "asfortranarray", "broadcast_to", "array_equal"):
        function = getattr(np, name)
        setattr(module, name, lambda *args, function=function, **kw: outside(function(*inside(args), **kw)))
    monkeypatch.setitem(sys.modules, "cupy", module)
    monkeypatch.setattr(transposition, "engine_for", lambda array: Engine() if type(array) is OnGpu else CPU)


@pytest.mark.parametrize("dims", [1, 2, 3])
@pytest.mark.parametrize("crop", [1, "same"])
@pytest.mark.parametrize("weights_too", [True, False])
def test_layer(dims: int, crop: Any, weights_too: bool) -> None:
    """'On CuPy arrays as on NumPy ones'; weights elsewhere are moved to where x is."""
    taps = (3, 2, 4)[:dims]
    x, w, b = numbers(*(4, 3, 5)[:dims], 3, 2), numbers(*taps, 5, 3), numbers(5)
    layer = MAKERS[dims](taps, 5, "Stride", 2, "Cropping", crop, "Weights", w, "Bias", b)
    there = layer.copy()
    if weights_too:
        there.Weights, there.Bias = OnGpu(w), OnGpu(b)
        assert library(there.Weights).__name__ == "cupy"
        assert there == there.copy()
        assert there != layer
        assert str(there) == str(layer)
    y = layer.predict(x)
    np.testing.assert_array_equal(there.predict(OnGpu(x)).get(), y)
    for got, want in zip(there.backward(OnGpu(x), OnGpu(y)), layer.backward(x, y), strict=True):
        np.testing.assert_array_equal(got.get(), want)
    np.testing.assert_array_equal(there.predict(x), y)  # and back
    np.testing.assert_array_equal(to_torch(there).weights["weight"], to_torch(layer).weights["weight"])


@pytest.mark.parametrize("letters", ["SSCB", "SCBT", "BCSS"])
def test_formats(letters: str) -> None:
    x, layer = numbers(3, 3, 3, 3), MAKERS[2](2, 5).initialize([3, 3, 3], rng=0)
    y = layer.predict(OnGpu(x), letters)
    assert type(y) is OnGpu
    np.testing.assert_array_equal(y.get(), layer.predict(x, letters))


def test_initialize_on_the_gpu() -> None:
    layer = MAKERS[2](3, 5).initialize(OnGpu(np.ones((4, 4, 3))), rng=0)
    assert type(layer.Weights) is type(layer.Bias) is OnGpu
    np.testing.assert_array_equal(layer.Weights.get(), MAKERS[2](3, 5).initialize(np.ones((4, 4, 3)), rng=0).Weights)


def test_options_on_the_gpu() -> None:
    layer = MAKERS[3](OnGpu(np.array([3, 3, 2])), 5, Cropping=OnGpu(np.ones((2, 3))), Stride=OnGpu(np.array(2)))
    assert layer == MAKERS[3]([3, 3, 2], 5, Cropping=1, Stride=2)
    with pytest.raises(vlnn.MatConvNetError, match=r"Received \[0 1 2\]."):
        layer.Stride = OnGpu(np.arange(3))


def test_dltranspconv() -> None:
    x, w, b = numbers(4, 5, 6, 2), numbers(2, 3, 4, 2, 3), numbers(12)
    for weights, bias in ((OnGpu(w), OnGpu(b)), (w, b), (OnGpu(w), 0)):
        want = vlnn.dltranspconv(x, w, bias if np.isscalar(bias) else b, Stride=2, DilationFactor=2)
        y = vlnn.dltranspconv(OnGpu(x), weights, bias, Stride=2, DilationFactor=2)
        assert type(y) is OnGpu
        np.testing.assert_array_equal(y.get(), want)
