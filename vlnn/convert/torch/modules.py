"""Operations as modules of PyTorch, each with the names of the tensors that it holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn
from torch.nn import functional

from vlnn.convert import operations as ops
from vlnn.convert.operations import Operation
from vlnn.convert.torch import spatial
from vlnn.engines.cpu.channels import SMALLEST_NORM
from vlnn.geometry import Sides

AVERAGING = 0.1  # how far MatConvNet moves moments to those of a batch

Tensors: TypeAlias = Mapping[str, Tensor]


def module_of(operation: Operation, tensors: Tensors) -> nn.Module:
    """The module of an operation, which takes the tensors as they are."""
    return MODULES[type(operation)](operation, tensors)


class Convolution(nn.Module):
    """``vl_nnconv``. Without ``weight`` it takes every so many pixels of the padded image."""

    def __init__(self, operation: ops.Convolution, tensors: Tensors) -> None:
        super().__init__()
        self.weight, self.bias = parameter(tensors, "weight"), parameter(tensors, "bias")
        self.stride, self.dilation, self.groups = operation.stride, operation.dilate, operation.groups
        self.pad = operation.pad

    def forward(self, x: Tensor) -> Tensor:
        if self.weight is not None:
            top, bottom, left, right = self.pad
            even = top == bottom and left == right
            return functional.conv2d(
                x if even else padded(x, self.pad), self.weight, self.bias, self.stride, (top, left) if even else 0,
                self.dilation, self.groups,
            )  # fmt: skip
        y = padded(x, self.pad)[:, :, :: self.stride[0], :: self.stride[1]]
        return y if self.bias is None else y + self.bias[:, None, None]

    def extra_repr(self) -> str:
        shape = "no filters" if self.weight is None else "x".join(map(str, self.weight.shape))
        return f"{shape}, stride={self.stride}, pad={tuple(self.pad)}, dilation={self.dilation}, groups={self.groups}"


class TransposedConvolution(nn.Module):
    """``vl_nnconvt``."""

    def __init__(self, operation: ops.TransposedConvolution, tensors: Tensors) -> None:
        super().__init__()
        self.weight, self.bias = parameter(tensors, "weight"), parameter(tensors, "bias")
        self.stride, self.groups, self.crop = operation.upsample, operation.groups, operation.crop

    def forward(self, x: Tensor) -> Tensor:
        top, bottom, left, right = self.crop
        even = min(top, bottom), min(left, right)
        y = functional.conv_transpose2d(x, self.weight, self.bias, self.stride, even, groups=self.groups)
        rest = Sides(top - even[0], bottom - even[0], left - even[1], right - even[1])
        return y[:, :, rest.top : y.shape[2] - rest.bottom, rest.left : y.shape[3] - rest.right] if any(rest) else y

    def extra_repr(self) -> str:
        shape = "x".join(map(str, self.weight.shape))
        return f"{shape}, upsample={self.stride}, crop={tuple(self.crop)}, groups={self.groups}"


class Pooling(nn.Module):
    """``vl_nnpool``."""

    def __init__(self, operation: ops.Pooling, tensors: Tensors) -> None:
        super().__init__()
        self.maximum = operation.maximum
        self.window, self.stride, self.pad = operation.window, operation.stride, operation.pad

    def forward(self, x: Tensor) -> Tensor:
        if self.maximum:
            return functional.max_pool2d(padded(x, self.pad, -torch.inf), self.window, self.stride)
        return averages(x, self.window, self.stride, self.pad)

    def extra_repr(self) -> str:
        method = "max" if self.maximum else "avg"
        return f"{method}, window={self.window}, stride={self.stride}, pad={tuple(self.pad)}"


class BatchNormalisation(nn.Module):
    """``vl_nnbnorm``, with the moments that it has or, while it is trained, those of the batch.

    Training moves ``mean`` and ``sigma``, which is the root of variance plus epsilon, a tenth of the way to those of
    each batch, as MatConvNet does.
    """

    def __init__(self, operation: ops.BatchNormalisation, tensors: Tensors) -> None:
        super().__init__()
        self.weight, self.bias = parameter(tensors, "weight"), parameter(tensors, "bias")
        self.register_buffer("mean", tensors.get("mean"))
        self.register_buffer("sigma", tensors.get("sigma"))
        self.epsilon = operation.epsilon

    def forward(self, x: Tensor) -> Tensor:
        mean: Any = self.mean
        sigma: Any = self.sigma
        if self.training or mean is None:
            variance, mean = torch.var_mean(x, (0, 2, 3), correction=0)
            sigma = (variance + self.epsilon).sqrt()
            if self.training and self.mean is not None:
                with torch.no_grad():
                    for kept, batch in ((self.mean, mean), (self.sigma, sigma)):
                        kept.lerp_(batch, AVERAGING)
        return (x - channels(mean)) * channels(self.weight / sigma) + channels(self.bias)

    def extra_repr(self) -> str:
        return f"{len(self.weight)}, epsilon={self.epsilon}"


class Scaling(nn.Module):
    """x .* g + b."""

    def __init__(self, operation: ops.Scaling, tensors: Tensors) -> None:
        super().__init__()
        self.weight, self.bias = parameter(tensors, "weight"), parameter(tensors, "bias")
        self.biased = operation.biased

    def forward(self, x: Tensor, *others: Tensor) -> Tensor:
        rest = list(others)
        y = x * (rest.pop(0) if self.weight is None else self.weight)
        if self.biased:
            y = y + (rest.pop(0) if self.bias is None else self.bias)
        return y


class Formula(nn.Module):
    """What has no weights: a function of the inputs."""

    def __init__(self, operation: Operation, function: Callable[..., Tensor]) -> None:
        super().__init__()
        self.operation, self.function = operation, function

    def forward(self, *inputs: Tensor) -> Tensor:
        return self.function(self.operation, *inputs)

    def extra_repr(self) -> str:
        settings = [f"{name}={value}" for name, value in vars(self.operation).items() if name not in OF_ALL]
        return ", ".join([type(self.operation).__name__, *settings])


OF_ALL = ("layer", "inputs", "output", "basis")


def parameter(tensors: Tensors, name: str) -> Any:
    """A tensor that is trained, or None: one and the same for layers that share it."""
    tensor = tensors.get(name)
    return tensor if tensor is None or isinstance(tensor, nn.Parameter) else nn.Parameter(tensor)


def padded(x: Tensor, pad: Sides, value: float = 0.0) -> Tensor:
    return functional.pad(x, (pad.left, pad.right, pad.top, pad.bottom), value=value) if any(pad) else x


def channels(vector: Tensor) -> Tensor:
    """A number for each channel."""
    return vector[:, None, None]


def averages(x: Tensor, window: ops.Pair, stride: ops.Pair, pad: Sides) -> Tensor:
    """The average of each window over what lies in the image."""
    if not any(pad):
        return functional.avg_pool2d(x, window, stride)
    inside = x.new_ones(1, 1, *x.shape[2:])
    total, count = (functional.avg_pool2d(padded(one, pad), window, stride, divisor_override=1) for one in (x, inside))
    return total / count


def _channel_normalisation(operation: ops.ChannelNormalisation, x: Tensor) -> Tensor:
    squares = functional.pad((x * x)[:, None], (0, 0, 0, 0, operation.before, operation.after))  # (N, 1, C', H, W)
    window = operation.before + operation.after + 1
    energy = functional.avg_pool3d(squares, (window, 1, 1), 1, divisor_override=1)[:, 0]
    return x * (operation.kappa + operation.alpha * energy) ** -operation.beta


def _offset(operation: ops.NormOffset, x: Tensor) -> Tensor:
    norm = (x * x).sum(1, keepdim=True).clamp(min=SMALLEST_NORM)
    return x - operation.alpha * norm**operation.beta


def _spatial_normalisation(operation: ops.SpatialNormalisation, x: Tensor) -> Tensor:
    energy = averages(x * x, operation.window, (1, 1), operation.pad)
    return x * (1 + operation.alpha * energy) ** -operation.beta


def _sum(operation: ops.Sum, x: Tensor, *others: Tensor) -> Tensor:
    for other in others:
        x = x + other
    return x


def _weighted(operation: ops.WeightedSum, a: Tensor, x: Tensor, y: Tensor) -> Tensor:
    return a * x + y


def _appending(operation: ops.Appending, x: Tensor, more: Tensor) -> Tensor:
    return torch.cat([x, more.expand(len(x), -1, *x.shape[2:])], 1)


def _concatenation(operation: ops.Concatenation, *inputs: Tensor) -> Tensor:
    return torch.cat(inputs, ops.AXES[operation.dimension])


def _distance(operation: ops.Distance, x: Tensor, x0: Tensor, *weights: Tensor) -> Tensor:
    total = ((x - x0).abs() ** operation.power).sum(1, keepdim=True)
    if operation.root and operation.power != 1:
        total = total ** (1 / operation.power)
    for weight in weights:
        total = total * weight
    return total.sum().reshape(1, 1, 1, 1) if operation.aggregate else total


def _formula(function: Callable[..., Tensor]) -> Callable[[Any, Tensors], nn.Module]:
    return lambda operation, tensors: Formula(operation, function)


MODULES: dict[type[Operation], Callable[[Any, Tensors], nn.Module]] = {
    ops.Convolution: Convolution,
    ops.TransposedConvolution: TransposedConvolution,
    ops.Pooling: Pooling,
    ops.BatchNormalisation: BatchNormalisation,
    ops.Scaling: Scaling,
    ops.Rectifier: lambda operation, _: nn.LeakyReLU(operation.leak) if operation.leak else nn.ReLU(),
    ops.Sigmoid: lambda operation, _: nn.Sigmoid(),
    ops.Softmax: lambda operation, _: nn.Softmax(dim=1),
    ops.Dropout: lambda operation, _: nn.Dropout(operation.rate),
    ops.Tanh: lambda operation, _: nn.Tanh(),
    ops.ChannelNormalisation: _formula(_channel_normalisation),
    ops.NormOffset: _formula(_offset),
    ops.SpatialNormalisation: _formula(_spatial_normalisation),
    ops.Sum: _formula(_sum),
    ops.WeightedSum: _formula(_weighted),
    ops.Appending: _formula(_appending),
    ops.Concatenation: _formula(_concatenation),
    ops.Distance: _formula(_distance),
    ops.GlobalPooling: _formula(spatial.pool_all),
    ops.Reshaping: _formula(spatial.reshape),
    ops.Permutation: _formula(spatial.permute),
    ops.PixelShuffle: _formula(spatial.shuffle),
    ops.Cropping: _formula(spatial.crop),
    ops.Grid: _formula(spatial.grid),
    ops.BilinearSampling: _formula(spatial.sample),
    ops.RegionPooling: _formula(spatial.pool_regions),
}
