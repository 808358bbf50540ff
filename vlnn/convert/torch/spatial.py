"""The operations that take parts of an image or move its pixels, in PyTorch."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from vlnn.convert import operations as ops
from vlnn.engines.cpu.regions import FAR


def pool_all(operation: ops.GlobalPooling, x: Tensor) -> Tensor:
    """The maximum or the average of each channel."""
    return x.amax((2, 3), keepdim=True) if operation.maximum else x.mean((2, 3), keepdim=True)


def reshape(operation: ops.Reshaping, x: Tensor) -> Tensor:
    """An image's elements, in MATLAB's order, as one of another size."""
    turned = x.transpose(2, 3)  # (N, C, W, H)
    sides = [new or old for new, old in zip(operation.size[::-1], turned.shape[1:], strict=True)]
    return turned.reshape(len(x), *sides).transpose(2, 3)


def permute(operation: ops.Permutation, x: Tensor) -> Tensor:
    """The dimensions in another order."""
    return x.permute([ops.AXES[operation.order[dimension]] for dimension in (3, 2, 0, 1)])


def shuffle(operation: ops.PixelShuffle, x: Tensor) -> Tensor:
    """Channels into pixels, or back; PyTorch goes along rows."""
    rearrange = functional.pixel_shuffle if operation.enlarge else functional.pixel_unshuffle
    return rearrange(x.transpose(2, 3), operation.factor).transpose(2, 3)


def crop(operation: ops.Cropping, x: Tensor, like: Tensor) -> Tensor:
    """The first input, cropped to height and width of the second."""
    (height, width), (top, left) = like.shape[2:], operation.most
    top, left = min(top, x.shape[2] - height), min(left, x.shape[3] - width)
    return x[:, :, top : top + height, left : left + width]


def grid(operation: ops.Grid, transformations: Tensor) -> Tensor:
    """A sampling grid, (N, Wo, 2, Ho)."""
    basis = torch.from_numpy(operation.basis).to(transformations)  # (count, 2, Ho, Wo)
    return torch.einsum("nk,kchw->nwch", transformations.flatten(1), basis)


def sample(operation: ops.BilinearSampling, x: Tensor, places: Tensor) -> Tensor:
    """Read x, (N, C, H, W), where a grid (M, Wo, 2, Ho) says; an image has M / N of them, one after the other."""
    images, depth = x.shape[:2]
    width, height = places.shape[1], places.shape[3]
    rows = places.permute(0, 3, 1, 2).reshape(images, -1, width, 2)  # the grids of an image one below the other
    size = torch.tensor(x.shape[2:], dtype=x.dtype, device=x.device)
    inside = ((rows + 1) * (size - 1) >= 0).all(3)[:, None]  # nothing is read before the first pixel
    y = functional.grid_sample(x, rows.flip(3), "bilinear", "zeros", align_corners=True) * inside
    return y.reshape(images, depth, -1, height, width).transpose(1, 2).reshape(-1, depth, height, width)


def pool_regions(operation: ops.RegionPooling, x: Tensor, regions: Tensor) -> Tensor:
    """Regions (t, u0, v0, u1, v1) of x pooled: (K, C, SH, SW)."""
    boxes = regions.transpose(2, 3).reshape(-1, 5).detach().to("cpu", torch.float64)
    a, b, c, d, e, f = operation.transform
    t, u0, v0, u1, v1 = boxes.unbind(1)
    high, wide = operation.subdivisions
    images = (t.nan_to_num(1).trunc().clamp(1, x.shape[0]) - 1).long().tolist()
    columns = _bins(a * u0 + c * v0 + e, a * u1 + c * v1 + e, wide, x.shape[3], x.dtype)
    rows = _bins(b * u0 + d * v0 + f, b * u1 + d * v1 + f, high, x.shape[2], x.dtype)
    pooled = torch.stack(
        [
            torch.stack(
                [_pooled(x[n, :, top:bottom, left:right], operation.maximum) for top, bottom in r for left, right in q]
            )
            for n, r, q in zip(images, rows, columns, strict=True)
        ]
    )  # (K, SH SW, C)
    y = pooled.reshape(-1, high, wide, x.shape[1]).permute(0, 3, 1, 2)
    return y.transpose(2, 3).flatten(1)[:, :, None, None] if operation.flatten else y


def _pooled(part: Tensor, maximum: bool) -> Tensor:
    """The maximum or the average of a part of an image, 0 if it is empty."""
    if not part.numel():
        return part.new_zeros(part.shape[0])
    return part.amax((1, 2)) if maximum else part.mean((1, 2))


def _bins(first: Tensor, last: Tensor, count: int, size: int, dtype: torch.dtype) -> list[list[tuple[int, int]]]:
    """For every region, overlapping ranges of pixels, counted from 0; with the rounding of MatConvNet's single."""
    start, stop = (_rounded(corner.to(dtype)) - 1 for corner in (first, last))
    length = (stop - start + 1).clamp(min=1).to(dtype)
    bounds = torch.arange(count + 1, dtype=dtype) * (length / count)[:, None]
    starts = (bounds[:, :-1].floor() + start[:, None]).clamp(0, size).long()
    stops = (bounds[:, 1:].ceil() + start[:, None]).clamp(0, size).long()
    return [list(zip(*pair, strict=True)) for pair in zip(starts.tolist(), stops.tolist(), strict=True)]


def _rounded(values: Tensor) -> Tensor:
    """C's round, half away from zero, in double; NaN lies far away."""
    values = values.double().nan_to_num(-FAR)
    whole = values.trunc()
    return (whole + ((values - whole).abs() >= 0.5) * values.sign()).clamp(-FAR, FAR)
