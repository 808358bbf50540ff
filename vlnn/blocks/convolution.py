"""What vl_nnconv and vl_nnconvt have in common: their arrays, their derivatives, and what 'Verbose' prints."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from vlnn.blocks.verbose import Line, print_report
from vlnn.engines.protocols import Convolution
from vlnn.geometry import ConvGeometry, Shape
from vlnn.matlab.arguments import CUDNN_FLAGS, WORKSPACE_LIMIT, Call, Option
from vlnn.matlab.arrays import Array, Tensor, describe, device_of, same_format, tensor

SHARED_OPTIONS = (
    Option("Verbose"),
    Option("NoDerData"),
    Option("NoDerFilters"),
    Option("NoDerBiases"),
    *CUDNN_FLAGS,
    WORKSPACE_LIMIT,
)


class Operands(NamedTuple):
    """The arrays of one call, checked for class and library."""

    data: Tensor
    filters: Tensor
    biases: Tensor
    der_output: Tensor | None

    @classmethod
    def check(cls, x: object, f: object, b: object, call: Call) -> Operands:
        data, filters, biases = tensor("DATA", x), tensor("FILTERS", f), tensor("BIASES", b)
        if not call.backward:
            same_format(data, filters, biases)
            return cls(data, filters, biases, None)
        der_output = tensor("DEROUTPUT", call.dzdy)
        same_format(data, filters, biases, der_output)
        return cls(data, filters, biases, der_output)

    @property
    def bias_count(self) -> int | None:
        return None if self.biases.empty else int(self.biases.array.size)

    @property
    def bias_vector(self) -> Array | None:
        return None if self.biases.empty else self.biases.vector()

    @property
    def der_shape(self) -> Shape | None:
        return self.der_output.shape if self.der_output else None


def derivatives(
    operands: Operands,
    options: dict[str, Any],
    wanted: int,
    of_data: Callable[[], Array],
    of_filters: Callable[[], Array],
    of_biases: Callable[[], Array],
) -> list[Array]:
    """The first `wanted` of dzdx, dzdf, dzdb, each in its argument's shape; [] where switched off or absent."""
    data, filters, biases, _ = operands
    results = []
    for name, given, compute in (
        ("NoDerData", data, of_data),
        ("NoDerFilters", filters, of_filters),
        ("NoDerBiases", biases, of_biases),
    )[:wanted]:
        absent = options[name] or (given.empty and given is not data)
        results.append(data.nothing() if absent else given.like(compute()))
    return results


def report(
    function: str,
    engine: Convolution,
    operands: Operands,
    options: dict[str, Any],
    sampling: str,
    traits: str,
    output: Shape,
) -> None:
    """Print what a call is going to do, line for line as MatConvNet's 'Verbose' does."""
    data, filters, biases, der_output = operands
    like = data.array

    def derivative(given: Tensor, switch: str, shape: tuple[int, ...]) -> str:
        return "[| float 0.0B CPU]" if options[switch] else describe(like, shape)

    lines: list[Line] = [
        f"{'backward' if der_output else 'forward'}; {device_of(like)}; {engine.backend}",
        sampling,
        traits,
        ("data", data.shape),
    ]
    if not filters.empty:
        lines.append(("filters", filters.shape))
    if not biases.empty:
        lines.append(("biases", biases.array.shape))
    if der_output is None:
        lines.append(("output", output))
    else:
        lines.append(("derOutput", der_output.shape))
        lines.append(f"derData: {derivative(data, 'NoDerData', data.shape)}")
        if not filters.empty:
            lines.append(f"derFilters: {derivative(filters, 'NoDerFilters', filters.shape)}")
        if not biases.empty:
            lines.append(f"derBiases: {derivative(biases, 'NoDerBiases', biases.array.shape)}")
    print_report(function, like, lines)
    engine.take_workspaces()  # those of earlier calls


def report_workspaces(function: str, engine: Convolution) -> None:
    """Print what cuDNN took for the call that was reported, in MatConvNet's words."""
    used = engine.take_workspaces()
    if used is not None:
        forward, backward_filter, backward_data = (size / 2**20 for size in used)
        print(
            f"{function}: cuDNN workspace used: fwd {forward:.6g} MB, bwd filter {backward_filter:.6g} MB, "
            f"bwd data {backward_data:.6g} MB"
        )


def image_shape(g: ConvGeometry) -> Shape:
    return g.image_height, g.image_width, g.channels, g.batch


def output_shape(g: ConvGeometry) -> Shape:
    return g.output_height, g.output_width, g.filters, g.batch
