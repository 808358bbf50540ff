"""What the three transposed convolution layers are: their properties, and what they compute."""

from __future__ import annotations

import copy
import math
from typing import Any, ClassVar, TypeVar

import numpy as np

from vlnn.errors import MatConvNetError
from vlnn.geometry import sizes
from vlnn.matlab.arguments import OptionTable
from vlnn.matlab.arrays import Array, is_array
from vlnn.toolbox import rules
from vlnn.toolbox.display import listing
from vlnn.toolbox.evaluation import Evaluation
from vlnn.toolbox.formats import Format, layer_format, layer_formats
from vlnn.toolbox.initializers import FOR_BIAS, FOR_WEIGHTS, example_of, initial
from vlnn.toolbox.properties import Checked, check_assignable, copied, equal
from vlnn.toolbox.rules import Initializer, Pairs
from vlnn.toolbox.transposition import margins

Self = TypeVar("Self", bound="TransposedConvolutionLayer")
Rng = np.random.Generator | int | None


def _initializer(known: tuple[str, ...]) -> Checked[Initializer]:
    return Checked(lambda name, value: rules.initializer(name, value, known))


class TransposedConvolutionLayer:
    """What the layers over one, two and three dimensions share. They differ in `dims` and in the form of sizes.

    Properties have MATLAB's names and are checked whenever they are assigned. The ones that say how large the weights
    are (FilterSize, NumFilters, NumChannels) are fixed; CroppingMode follows from what is assigned to Cropping.
    """

    dims: ClassVar[int]
    _options: ClassVar[OptionTable]

    WeightsInitializer = _initializer(FOR_WEIGHTS)
    BiasInitializer = _initializer(FOR_BIAS)
    WeightLearnRateFactor = Checked(rules.nonnegative_number)
    BiasLearnRateFactor = Checked(rules.nonnegative_number)
    WeightL2Factor = Checked(rules.nonnegative_number)
    BiasL2Factor = Checked(rules.nonnegative_number)
    Name = Checked(rules.text)

    def __init__(self, filterSize: object, numFilters: object, *args: object, **options: object) -> None:
        given = self._options.options(args, options)
        self._filter_size = rules.positive_integers("FilterSize", filterSize, self.dims)
        self._num_filters = rules.positive_integer("NumFilters", numFilters)
        self._num_channels = rules.channels("NumChannels", given.pop("NumChannels"))
        self._weights = self._bias = np.zeros((0, 0), np.float32)
        for name, value in given.items():
            setattr(self, name, value)

    # Properties

    @property
    def FilterSize(self) -> Any:
        """The filters' height and width (and depth); read-only."""
        return _scalar_if_one(self._filter_size)

    @property
    def NumFilters(self) -> int:
        """How many filters there are, and so channels of the output; read-only."""
        return self._num_filters

    @property
    def NumChannels(self) -> int | str:
        """How many channels the input has: 'auto' until the weights have a size; read-only."""
        return "auto" if self._num_channels is None else self._num_channels

    @property
    def Stride(self) -> Any:
        """The upsampling factor of every dimension."""
        return _scalar_if_one(self._stride)

    @Stride.setter
    def Stride(self, value: object) -> None:
        self._stride = rules.positive_integers("Stride", value, self.dims)

    @property
    def Cropping(self) -> Any:
        """What is cut off the output, in the shortest form that can be assigned."""
        if self._crop == "same":
            return "same"
        if all(begin == end for begin, end in self._crop):
            return _scalar_if_one(tuple(begin for begin, _ in self._crop))
        return self.CroppingSize

    @Cropping.setter
    def Cropping(self, value: object) -> None:
        self._crop = rules.cropping("Cropping", value, self.dims, matrix=self.dims == 3)

    @property
    def CroppingMode(self) -> str:
        """'same' if Cropping is 'same', else 'manual'; read-only."""
        return "same" if self._crop == "same" else "manual"

    @property
    def CroppingSize(self) -> tuple[Any, ...]:
        """What is cut off: [l r], [t b l r] or [t l f; b r k]."""
        pairs = tuple((begin, max(end, 0)) for begin, end in self.margins)
        return tuple(zip(*pairs, strict=True)) if self.dims == 3 else sum(pairs, ())

    @CroppingSize.setter
    def CroppingSize(self, value: object) -> None:
        crop = rules.cropping("CroppingSize", value, self.dims, matrix=self.dims == 3)
        if crop == "same":
            rules.refuse("CroppingSize", "numbers; 'same' can be assigned to Cropping", value)
        self._crop = crop

    @property
    def Weights(self) -> Array:
        """The filters, FilterSize x NumFilters x NumChannels, or []."""
        return self._weights

    @Weights.setter
    def Weights(self, value: object) -> None:
        array = rules.numeric("Weights", value)
        if array.size == 0:
            self._weights = np.zeros((0, 0), array.dtype)
            return
        want = (*self._filter_size, self._num_filters, self._num_channels)
        array = rules.sized("Weights", array, want, "FilterSize x NumFilters x NumChannels")
        self._weights = array.copy(order="F")
        self._num_channels = int(array.shape[-1])

    @property
    def Bias(self) -> Array:
        """The biases, NumFilters numbers after a 1 for every dimension, or []."""
        return self._bias

    @Bias.setter
    def Bias(self, value: object) -> None:
        array = rules.numeric("Bias", value)
        if array.size == 0:
            self._bias = np.zeros((0, 0), array.dtype)
            return
        if array.ndim < 2 and array.size == self._num_filters:  # NumPy's vectors are neither rows nor columns
            array = array.reshape(self._bias_size)
        rule = f"{'1 x ' * self.dims}NumFilters"
        self._bias = rules.sized("Bias", array, self._bias_size, rule).copy(order="F")

    @property
    def NumInputs(self) -> int:
        return 1

    @property
    def InputNames(self) -> list[str]:
        return ["in"]

    @property
    def NumOutputs(self) -> int:
        return 1

    @property
    def OutputNames(self) -> list[str]:
        return ["out"]

    @property
    def margins(self) -> Pairs:
        """What is cut off begin and end of every dimension; an end less than 0 is appended ('same', short filters)."""
        return margins(self._crop, self._filter_size, self._stride, (1,) * self.dims)

    # Computing

    def initialize(self: Self, example: Any = None, rng: Rng = None, format: str | None = None) -> Self:
        """Give values to Weights and Bias where they are empty, and fix NumChannels. Returns the layer itself.

        Parameters
        ----------
        example : array, or list or tuple of integers, optional
            An input, or its size: with the default format [h w c] or [h w c n], as a list or a one-dimensional array of
            integers. May be left out when NumChannels is known.
        rng : int or numpy.random.Generator, optional
            A seed or what to draw from. By default every call differs.
        format : str, optional
            As for ``predict``.

        The values are in single, as in MATLAB, unless the example is an array in double. An example on the GPU puts
        them there.
        """
        like, channels = np.zeros(0, np.float32), self._num_channels
        if example is not None:
            form, like = self._format(format), example_of(example, self.dims)
            channels = self._check_channels(form.size_of("X", like), form)
        if channels is None:
            raise MatConvNetError(
                "NumChannels is 'auto'. initialize needs an input or its size, such as layer.initialize([28, 28, 3])."
            )
        draw, weights, bias = np.random.default_rng(rng), self._weights, self._bias
        area = math.prod(self._filter_size)
        fans = float(area * channels), float(area * self._num_filters)
        if not weights.size:
            size = (*self._filter_size, self._num_filters, channels)
            weights = initial("WeightsInitializer", self.WeightsInitializer, size, fans, draw, like)
        if not bias.size:
            bias = initial("BiasInitializer", self.BiasInitializer, self._bias_size, fans, draw, like)
        self._num_channels, self._weights, self._bias = channels, weights, bias
        return self

    def check_initialized(self) -> None:
        """Fail if Weights is empty, or a Bias that is to be other than zeros."""
        if not self._weights.size or not (self._bias.size or self.BiasInitializer == "zeros"):
            empty = "Bias" if self._weights.size else "Weights"
            raise MatConvNetError(f"{empty} is empty. Assign it, or call layer.initialize(x) first.")

    def predict(self, x: object, format: str | None = None) -> Array:
        """The layer's output.

        Parameters
        ----------
        x : array, real
            Images of NumChannels channels. Integers are computed in double.
        format : str, optional
            What x's dimensions are, S (space), C (channels), B (batch), T (time), each letter's place in any order. By
            default space, channels, batch ('SSCB').

        Returns
        -------
        array
            In the format of x, Fortran-ordered; in the library of x, to which Weights and Bias are moved if they are in
            another one; single if x or Weights is. Every convolved dimension is
            Stride (n - 1) + FilterSize - what Cropping cuts off, or Stride n with 'same'.
        """
        return self._evaluation(x, format).forward()

    def forward(self, x: object, format: str | None = None) -> Array:
        """The layer's output in training, which is that of ``predict``."""
        return self.predict(x, format)

    def backward(self, x: Any, dzdy: object, format: str | None = None) -> tuple[Array, Array, Array]:
        """The derivatives in x, Weights and Bias of a loss whose derivative in the output is `dzdy`.

        Each has the shape of what it derives, and the class in which the output is computed.
        """
        dzdx, dzdw, dzdb = self._evaluation(x, format).backward(dzdy)
        return dzdx.reshape(x.shape if is_array(x) else np.shape(x)), dzdw, dzdb.reshape(self._bias_size)

    # A value, as in MATLAB

    def copy(self: Self) -> Self:
        """A layer of its own, weights included, with the same properties."""
        return copy.copy(self)

    def __copy__(self: Self) -> Self:
        clone = object.__new__(type(self))
        clone.__dict__.update({name: copied(value) for name, value in vars(self).items()})
        return clone

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and all(equal(value, vars(other)[name]) for name, value in vars(self).items())

    __hash__ = None  # type: ignore[assignment]  # a layer changes

    def __setattr__(self, name: str, value: object) -> None:
        check_assignable(self, name, value)
        super().__setattr__(name, value)

    def __repr__(self) -> str:
        return listing(self)

    # Inside

    @property
    def _bias_size(self) -> tuple[int, ...]:
        return (*(1,) * self.dims, self._num_filters)

    def _format(self, letters: object) -> Format:
        return layer_format(layer_formats(self.dims)[0] if letters is None else letters, self.dims)

    def _check_channels(self, size: tuple[int, ...], form: Format) -> int:
        found = size[form.channel]
        if self._num_channels not in (None, found):
            raise MatConvNetError(
                f"NumChannels is not the number of channels of X. NumChannels is {self._num_channels}; received X "
                f"{sizes(size)} in format '{form.letters}', which has {found}."
            )
        return found

    def _evaluation(self, x: object, letters: object) -> Evaluation:
        form, array = self._format(letters), rules.numeric("X", x)
        self.check_initialized()
        self._check_channels(form.size_of("X", array), form)
        biases = self._bias.ravel(order="F") if self._bias.size else None
        return Evaluation.of(array, form, self._weights, biases, self._stride, (1,) * self.dims, self._crop)


def _scalar_if_one(numbers: tuple[int, ...]) -> Any:
    """A size as MATLAB has it: the layer over one dimension has a number, the others a row."""
    return numbers[0] if len(numbers) == 1 else numbers
