"""What each kind of layer is as an operation."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, NoReturn, TypeAlias

import numpy as np

from vlnn import dagnn
from vlnn.blocks import nnconv, nnconvt, nnpool, nnrelu, nnroipool, nnsubp
from vlnn.convert import operations as ops
from vlnn.convert.operations import Operation, Weight
from vlnn.errors import ConversionError, MatConvNetError
from vlnn.geometry import Sides
from vlnn.matlab.argparse import block_options, scalar_option
from vlnn.matlab.arguments import truncate
from vlnn.matlab.values import Struct

ADVICE = (
    "Remove the layer, or write what it does with MatConvNet's other layers; .mat, .npz and .safetensors keep it as it "
    "is"
)


@dataclass(frozen=True)
class Step:
    """A layer: its block, the variables that it reads and writes, and its weights, None where there are none."""

    layer: str
    type: str
    block: Any
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    weights: tuple[Weight | None, ...]

    def refuse(self, why: str) -> NoReturn:
        """Say that the layer cannot be converted."""
        raise ConversionError(f"Layer '{self.layer}' of type {self.type} cannot be converted: {why}. {ADVICE}.")

    @property
    def place(self) -> tuple[str, tuple[str, ...], str]:
        """What every operation starts with: the layer, what it reads, and what it writes."""
        return self.layer, self.inputs, self.outputs[0]

    def weight(self, position: int) -> Weight | None:
        return self.weights[position] if position < len(self.weights) else None

    def needed(self, position: int, what: str) -> Weight:
        """A weight without which the layer cannot be."""
        found = self.weight(position)
        return self.refuse(f"its {what} have no values") if found is None else found


Channels: TypeAlias = "Mapping[str, int | None]"  # of variables
Rule: TypeAlias = "Callable[[Step, Channels], Operation]"


def _check(step: Step, steps: tuple[int, ...], borders: Sides) -> None:
    if min(steps) < 1:
        step.refuse(f"its steps are {steps}")
    if min(borders) < 0:
        step.refuse(f"its borders {tuple(borders)} are negative")


def _conv(step: Step, channels: Channels) -> Operation:
    block, filters = step.block, step.weight(0)
    options = nnconv.OPTIONS.parse(
        None, ["pad", block.pad, "stride", block.stride, "dilate", block.dilate, *block.opts], {}
    ).options
    _check(step, (*options["Stride"], *options["Dilate"]), Sides(*options["Pad"]))
    groups = 1
    if filters is None and max(options["Dilate"]) > 1:
        step.refuse("it has no filters, and dilate is not one")
    if filters is not None:
        depth = channels[step.inputs[0]] or filters.size[2]
        groups, rest = divmod(depth, filters.size[2])
        if rest or filters.size[3] % groups:
            step.refuse(f"its {filters.size[3]} filters of depth {filters.size[2]} do not fit {depth} channels")
    biases = step.weight(1) if block.hasBias or filters is None else None
    return ops.Convolution(
        *step.place, filters, biases,
        options["Stride"], Sides(*options["Pad"]), options["Dilate"], groups,
    )  # fmt: skip


def _convt(step: Step, channels: Channels) -> Operation:
    block, filters = step.block, step.needed(0, "filters")
    options = nnconvt.OPTIONS.parse(
        None, ["upsample", block.upsample, "crop", block.crop, "numGroups", block.numGroups, *block.opts], {}
    ).options
    groups = options["NumGroups"]
    _check(step, (*options["Upsample"], groups), Sides(*options["Crop"]))
    if filters.size[3] % groups:
        step.refuse(f"its {filters.size[3]} filters do not fit {groups} groups")
    return ops.TransposedConvolution(
        *step.place, filters, step.weight(1) if block.hasBias else None,
        options["Upsample"], Sides(*options["Crop"]), groups,
    )  # fmt: skip


def _pool(step: Step, channels: Channels) -> Operation:
    block = step.block
    options = nnpool.OPTIONS.parse(
        None, ["pad", block.pad, "stride", block.stride, "method", block.method, *block.opts], {}
    ).options
    high, wide = (truncate(side) for side in block.poolSize)
    pad = Sides(*options["Pad"])
    _check(step, options["Stride"], pad)
    if min(high, wide) < 1 or max(pad.top, pad.bottom) >= high or max(pad.left, pad.right) >= wide:
        step.refuse(f"its pads {tuple(pad)} do not fit windows of {high} x {wide}")
    maximum = options["Method"] == "max"
    return ops.Pooling(*step.place, maximum, (high, wide), options["Stride"], pad)


def _relu(step: Step, channels: Channels) -> Operation:
    _, options = block_options(nnrelu.OPTIONS, None, ["leak", step.block.leak, *step.block.opts], {})
    return ops.Rectifier(*step.place, scalar_option("LEAK", options["leak"]))


def _bnorm(step: Step, channels: Channels) -> Operation:
    if len(step.weights) > 2:
        step.needed(2, "moments")
    return ops.BatchNormalisation(
        *step.place, step.needed(0, "multipliers"), step.needed(1, "biases"),
        step.weight(2), float(step.block.epsilon),
    )  # fmt: skip


def _lrn(step: Step, channels: Channels) -> Operation:
    depth, kappa, alpha, beta = _numbers(step, "param", 4)
    known = channels[step.inputs[0]]
    if not depth >= 1 or (known is None and depth == math.inf):
        step.refuse(f"its window is of {depth:g} channels")
    window = int(min(depth, 2 * known if known else depth))
    return ops.ChannelNormalisation(*step.place, (window - 1) // 2, window // 2, kappa, alpha, beta)


def _noffset(step: Step, channels: Channels) -> Operation:
    return ops.NormOffset(*step.place, *_numbers(step, "param", 2))


def _spnorm(step: Step, channels: Channels) -> Operation:
    height, width, alpha, beta = _numbers(step, "param", 4)
    high, wide = int(height), int(width)
    above, left = (high - 1) // 2, (wide - 1) // 2
    pad = Sides(above, high - 1 - above, left, wide - 1 - left)
    return ops.SpatialNormalisation(*step.place, (high, wide), pad, alpha, beta)


def _global_pool(step: Step, channels: Channels) -> Operation:
    if step.block.method not in ("max", "avg"):
        step.refuse(f"its method is {step.block.method}")
    return ops.GlobalPooling(*step.place, step.block.method == "max")


def _flatten(step: Step, channels: Channels) -> Operation:
    if step.block.axis not in (1, 2, 3):
        step.refuse(f"axis is {step.block.axis}, none of 1, 2 and 3")
    height, width, depth = (-1 if step.block.axis == axis else 1 for axis in (1, 2, 3))
    return ops.Reshaping(*step.place, (height, width, depth))


def _reshape(step: Step, channels: Channels) -> Operation:
    size = (*step.block.shape, -1)[:3] if len(step.block.shape) == 2 else step.block.shape
    if len(size) != 3 or size.count(-1) > 1 or min(size) < -1:
        step.refuse(f"its shape is {list(step.block.shape)}")
    return ops.Reshaping(*step.place, size)


def _permute(step: Step, channels: Channels) -> Operation:
    order = tuple(int(axis) - 1 for axis in step.block.order)
    order += tuple(range(len(order), 4))
    if sorted(order) != [0, 1, 2, 3]:
        step.refuse(f"its order is {list(step.block.order)}")
    return ops.Permutation(*step.place, order)


def _of_own_type(step: Step, channels: Channels) -> Operation:
    """Of the types that only SimpleNN has."""
    if step.type == "concat":
        return ops.Appending(*step.place)
    factor, enlarge = nnsubp.factor_of(step.block.scale)
    return ops.PixelShuffle(*step.place, factor, enlarge)


def _scale(step: Step, channels: Channels) -> Operation:
    operands = len(step.inputs) + len(step.weights)
    biased = step.block.hasBias
    if operands < 2 + biased or None in step.weights:
        step.refuse("multipliers or biases are missing")
    multipliers, biases = [*[None] * (len(step.inputs) - 1), *step.weights, None][:2]
    return ops.Scaling(*step.place, multipliers, biases if biased else None, biased)


def _concat(step: Step, channels: Channels) -> Operation:
    if step.block.dim not in (1, 2, 3, 4):
        step.refuse(f"dim is {step.block.dim}, none of 1, 2, 3 and 4")
    return ops.Concatenation(*step.place, int(step.block.dim) - 1)


def _crop(step: Step, channels: Channels) -> Operation:
    top, left = _numbers(step, "crop", 2)
    return ops.Cropping(*step.place, (int(top), int(left)))


def _grid(count: int) -> Rule:
    """Of the grids of the unit transformations, which have `count` numbers."""

    def rule(step: Step, channels: Channels) -> Operation:
        (grids,) = step.block.forward([np.eye(count)[None, None]], [])  # (2, Ho, Wo, count)
        return ops.Grid(*step.place, np.moveaxis(grids, 3, 0))

    return rule


def _roi(step: Step, channels: Channels) -> Operation:
    block = step.block
    options = nnroipool.OPTIONS.parse(
        None, ["method", block.method, "subdivisions", block.subdivisions, "transform", block.transform], {}
    ).options
    return ops.RegionPooling(
        *step.place, options["Method"] == "max", options["Subdivisions"],
        options["Transform"], block.flatten,
    )  # fmt: skip


def _pdist(step: Step, channels: Channels) -> Operation:
    block = step.block
    return ops.Distance(*step.place, float(block.p), not block.noRoot, block.aggregate)


def _numbers(step: Step, name: str, count: int) -> Iterable[float]:
    values = getattr(step.block, name)
    if len(values) != count:
        step.refuse(f"{name} has {len(values)} numbers instead of {count}")
    return [float(value) for value in values]


def _plain(kind: type[Operation]) -> Rule:
    return lambda step, channels: kind(*step.place)


def _dropout(step: Step, channels: Channels) -> Operation:
    return ops.Dropout(*step.place, float(step.block.rate))


RULES: dict[type, Rule] = {
    dagnn.Conv: _conv,
    dagnn.ConvTranspose: _convt,
    dagnn.Pooling: _pool,
    dagnn.ReLU: _relu,
    dagnn.Sigmoid: _plain(ops.Sigmoid),
    dagnn.SoftMax: _plain(ops.Softmax),
    dagnn.DropOut: _dropout,
    dagnn.BatchNorm: _bnorm,
    dagnn.LRN: _lrn,
    dagnn.NormOffset: _noffset,
    dagnn.SpatialNorm: _spnorm,
    dagnn.Sum: _plain(ops.Sum),
    dagnn.Concat: _concat,
    dagnn.Scale: _scale,
    dagnn.Crop: _crop,
    dagnn.AffineGridGenerator: _grid(6),
    dagnn.UniformScalingGridGenerator: _grid(3),
    dagnn.BilinearSampler: _plain(ops.BilinearSampling),
    dagnn.ROIPooling: _roi,
    dagnn.PDist: _pdist,
    dagnn.Axpy: _plain(ops.WeightedSum),
    dagnn.Tanh: _plain(ops.Tanh),
    dagnn.GlobalPooling: _global_pool,
    dagnn.Flatten: _flatten,
    dagnn.Reshape: _reshape,
    dagnn.Permute: _permute,
    Struct: _of_own_type,
}

ANY = 2**31
READS: dict[type, tuple[int, int]] = {  # how many variables at least, and at most; the others read one
    dagnn.Axpy: (3, 3),
    dagnn.BilinearSampler: (2, 2),
    dagnn.Concat: (1, ANY),
    dagnn.Crop: (2, 2),
    dagnn.PDist: (2, 3),
    dagnn.ROIPooling: (2, 2),
    dagnn.Scale: (1, 3),
    dagnn.Sum: (1, ANY),
    Struct: (1, 2),
}


def operation_of(step: Step, channels: Channels) -> Operation:
    """A layer as an operation.

    Raises
    ------
    ConversionError
        It cannot be one.
    """
    kind = type(step.block)
    if isinstance(step.block, dagnn.Loss) and kind not in RULES:
        step.refuse("it is a loss in the middle of the network")
    if kind not in RULES:
        step.refuse("no format that holds graphs has it")
    least, most = READS.get(kind, (1, 1))
    if len(step.inputs) < least or len(step.outputs) != 1:
        step.refuse(f"it reads {len(step.inputs)} variables and writes {len(step.outputs)}")
    try:
        return RULES[kind](replace(step, inputs=step.inputs[:most]), channels)
    except MatConvNetError as error:
        step.refuse(str(error).rstrip("."))
