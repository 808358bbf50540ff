"""dltranspconv: transposed convolution as a function."""

from __future__ import annotations

from typing import Any

from vlnn.errors import MatConvNetError
from vlnn.geometry import sizes
from vlnn.matlab.arguments import Option, OptionTable, as_given, matlab_function, received
from vlnn.matlab.arrays import Array
from vlnn.toolbox import rules
from vlnn.toolbox.evaluation import Evaluation
from vlnn.toolbox.formats import data_format, places

OPTIONS = OptionTable(
    "dltranspconv",
    3,
    Option("Stride", as_given, 1),
    Option("DilationFactor", as_given, 1),
    Option("Cropping", as_given, 0),
    Option("WeightsFormat", as_given, None),
    Option("DataFormat", as_given, "SSCB"),
)


@matlab_function(3, "three", "Not enough input arguments.")
def dltranspconv(X: Any, weights: Any, bias: Any, *args: Any, **opts: Any) -> Array:
    """Transposed convolution over one, two or three dimensions, with dilation and groups.

    ``Y = dltranspconv(X, weights, bias, 'Stride', 2, 'DataFormat', 'SSCB')``, as in MATLAB.

    Parameters
    ----------
    X : real array
        Its dimensions are what DataFormat says.
    weights : real array
        Spatial dimensions x filters x channels, or, in groups, spatial dimensions x filters per group x channels per
        group x groups, unless WeightsFormat says otherwise. The filters are not flipped.
    bias : real array
        One number for every filter (filters per group x groups), or one for all; 0 or [] for none.

    Options, as pairs ('Stride', 2) or keywords (Stride=2), in any case
    --------------------------------------------------------------------
    Stride : 1
        The upsampling factor: a number, or one for every convolved dimension.
    DilationFactor : 1
        The distance of the filters' taps: a number, or one for every convolved dimension.
    Cropping : 0
        What is cut off the output: a number for all sides, one for every dimension ([a b]), a matrix with begins in its
        first and ends in its second row ([t l; b r]), [t b l r] over two dimensions, or 'same' for an output of Stride
        times the input.
    DataFormat : 'SSCB'
        A letter for each dimension of X: S (space), C (channels), B (batch), T (time), U (unspecified). Convolved over
        are all S, and T if the weights have a T; everything else is a batch.
    WeightsFormat
        A letter for each dimension of weights: S and T (the taps), C (filters), U (channels), another U (groups).

    Returns
    -------
    Y : array
        In the format of X, Fortran-ordered, in the library of X; single if an argument is. Every convolved dimension
        has the size Stride (n - 1) + DilationFactor (k - 1) + 1 - what Cropping cuts off.

    Raises
    ------
    MatConvNetError
        The message names the argument or option, its rule and what was received.

    Inferred, as MATLAB does not document it: the size with dilation; [t b l r]; 'same' where filters are shorter than
    the stride, which appends rows of biases at the end. Differs from MATLAB: arrays have no format of their own, so
    DataFormat has a default.

    Source: MATLAB documentation, dltranspconv.

    >>> import numpy as np, vlnn
    >>> x, weights = np.ones((8, 8, 3)), np.ones((4, 4, 5, 3))
    >>> vlnn.dltranspconv(x, weights, 0, Stride=2, Cropping='same').shape
    (16, 16, 5, 1)
    """
    options = OPTIONS.options(args, opts)
    x, bank = rules.numeric("X", X), rules.numeric("weights", weights)
    letters = options["WeightsFormat"]
    if letters is not None:
        letters = _weights_letters(letters)
    form = data_format(options["DataFormat"], time="T" in (letters or ""))
    dims = len(form.spatial)
    if not 1 <= dims <= 3:
        raise MatConvNetError(
            "DataFormat has not one to three dimensions to convolve over. Received DataFormat "
            f"{options['DataFormat']!r}; to convolve over T, WeightsFormat needs a T."
        )
    bank = _canonical(bank, letters, dims)  # taps x filters per group x channels per group x groups
    *_, filters, channels, groups = bank.shape
    size = form.size_of("X", x)
    if size[form.channel] != channels * groups:
        raise MatConvNetError(
            "The channels of weights are not the channels of X. Received X "
            f"{sizes(size)} ({form.letters}), weights with {channels} channels in each of {groups} groups."
        )
    return Evaluation.of(
        x,
        form,
        bank.reshape(*bank.shape[:-2], channels * groups, order="F"),
        _biases(bias, filters * groups),
        rules.positive_integers("Stride", options["Stride"], dims),
        rules.positive_integers("DilationFactor", options["DilationFactor"], dims),
        rules.cropping("Cropping", options["Cropping"], dims, matrix=True),
        groups,
    ).forward()


def _weights_letters(value: object) -> str:
    text = rules.as_text(value)
    letters = "" if text is None else text.upper()
    fits = set(letters) <= set("SCTU") and letters.count("C") == 1 and letters.count("T") <= 1
    if not fits or letters.count("U") not in (1, 2):
        raise MatConvNetError(
            "WeightsFormat is not a string of S and T for the taps, C for the filters, U for the channels and a second "
            f"U for groups. Received {received(value)}."
        )
    return letters


def _canonical(weights: Array, letters: str | None, dims: int) -> Array:
    """Weights as taps x filters x channels x groups, whatever their format."""
    order = "S" * dims + "CUU"
    if letters is None:
        letters = order if weights.ndim > dims + 2 else order[:-1]
    if len(places(letters, "S", "T")) != dims or weights.ndim > len(letters) or weights.size == 0:
        raise MatConvNetError(
            f"weights do not have a dimension for each of {dims} convolved ones, filters and channels. Received "
            f"weights {sizes(weights.shape)}, format '{letters}'."
        )
    shape = weights.shape + (1,) * (len(letters) - weights.ndim)
    turned = weights.reshape(shape).transpose(places(letters, "S", "T", "C", "U"))
    return turned.reshape(turned.shape + (1,) * (dims + 3 - turned.ndim))


def _biases(value: object, count: int) -> Array | None:
    array = rules.numeric("bias", value)
    if array.size not in (0, 1, count):
        rules.refuse("bias", f"one number or one for each of {count} filters", value)
    if array.size == 0:
        return None
    return array.ravel(order="F").repeat(count // array.size)
