"""A network as a module of PyTorch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from vlnn.convert.checkpoint import Checkpoint
from vlnn.convert.lowering import lower
from vlnn.convert.operations import Program
from vlnn.convert.torch.layout import Source, sources_of, taken, tensor_of, view_of
from vlnn.convert.torch.modules import module_of
from vlnn.dagnn import DagNN
from vlnn.matlab.arrays import Array
from vlnn.simplenn import SimpleNN


class Network(nn.Module):
    """A network that :func:`to_module` has made.

    Its submodules have the names of the layers, with '_' for a dot, and at the end where modules have something of
    that name. Those with weights hold them as ``weight`` and ``bias``; batch normalisation also ``mean`` and ``sigma``.

    Attributes
    ----------
    inputs, outputs : tuple of str
        The names of the variables that ``forward`` takes and returns.
    variables : tuple of str
        Those that it can return.
    """

    def __init__(self, program: Program, modules: Mapping[str, nn.Module]) -> None:
        super().__init__()
        self.inputs, self.outputs, self.variables = program.inputs, program.outputs, tuple(program.channels)
        self._steps = []
        for (name, module), operation in zip(modules.items(), program.operations, strict=True):
            self.add_module(name, module)
            self._steps.append((name, operation.inputs, operation.output))

    def forward(self, *inputs: Tensor, outputs: Sequence[str] | None = None, **named: Tensor) -> Any:
        """Apply the network.

        Parameters
        ----------
        *inputs, **named : (N, C, H, W) tensors
            In the order of ``inputs``, or by name.
        outputs : names, optional
            Which variables to return.

        Returns
        -------
        y : tensor
            The output; if the network has several, or with `outputs`, a dict of them by their names.
        """
        values = {**dict(zip(self.inputs, inputs, strict=False)), **named}
        if set(values) != set(self.inputs) or len(inputs) + len(named) != len(self.inputs):
            raise TypeError(
                f"The network's inputs are {', '.join(self.inputs)}. Received {len(inputs)} by position and "
                f"{', '.join(named) or 'none'} by name."
            )
        wanted = self.outputs if outputs is None else tuple(outputs)
        unknown = [name for name in wanted if name not in self.variables]
        if unknown:
            raise ValueError(f"The network has no variable '{unknown[0]}'. It has {', '.join(self.variables)}.")
        last = {name: at for at, (_, reads, _) in enumerate(self._steps) for name in reads}
        for at, (name, reads, output) in enumerate(self._steps):
            values[output] = self.get_submodule(name)(*(values[one] for one in reads))
            for one in set(reads):
                if last[one] == at and one not in wanted:
                    del values[one]  # nobody reads it any more
        if outputs is None and len(wanted) == 1:
            return values[wanted[0]]
        return {name: values[name] for name in wanted}


def to_module(net: SimpleNN | DagNN | Checkpoint, *, drop_loss: bool = False) -> Network:
    """A module of PyTorch that computes what a network does.

    Parameters
    ----------
    net : SimpleNN, DagNN or Checkpoint
    drop_loss : False
        Leave out all of a softmax loss at the end. By default its softmax is the output, named 'prob'.

    Returns
    -------
    module : Network
        In the mode for evaluation, on the CPU, in the class of the network's first weights (single for half). It has
        copies of the weights: training it leaves `net` as it is.

    Raises
    ------
    ConversionError
        For a layer that is unknown, or a loss that is not at the end: the message has its name and its type.

    >>> import numpy as np, torch, vlnn
    >>> from vlnn.convert.torch import to_module
    >>> conv = {'type': 'conv', 'name': 'conv1', 'weights': [np.ones((3, 3, 1, 8), np.float32), []], 'pad': 1}
    >>> module = to_module(vlnn.simplenn.SimpleNN([conv, {'type': 'relu'}]))
    >>> module(torch.ones(1, 1, 5, 4)).shape
    torch.Size([1, 8, 5, 4])
    >>> list(module.state_dict())
    ['conv1.weight']
    """
    checkpoint = net if isinstance(net, Checkpoint) else Checkpoint.of(net)
    return assembled(lower(checkpoint, drop_loss), dict(checkpoint.arrays))


def assembled(program: Program, arrays: dict[str, Array], own: bool = False) -> Network:
    """The module of a program. It takes each array out of `arrays` after its last use; `own` ones without a copy."""
    names = module_names(program)
    sources = [sources_of(operation) for operation in program.operations]
    uses = Counter(source.weight.name for each in sources for source in each.values())
    ways = Counter(source.weight.name for source in {source for each in sources for source in each.values()})
    dtype = class_of(program, arrays)
    shared: dict[Source, Tensor] = {}
    modules = {}
    for name, operation, found in zip(names, program.operations, sources, strict=True):
        for source in found.values():
            if source not in shared:
                tensor = tensor_of(arrays[source.weight.name])
                view = taken if own and ways[source.weight.name] == 1 else view_of
                values = view(tensor, source).to(dtype).contiguous()
                if not own and values.untyped_storage().data_ptr() == tensor.untyped_storage().data_ptr():
                    values = values.clone()
                shared[source] = values if source.how == "moments" else nn.Parameter(values)
            uses[source.weight.name] -= 1
            if not uses[source.weight.name]:
                del arrays[source.weight.name]
        modules[name] = module_of(operation, {attribute: shared[source] for attribute, source in found.items()})
    module: Network = Network(program, modules).eval()
    return module


def module_names(program: Program) -> list[str]:
    """A name for the module of each operation."""
    taken = set(dir(nn.Module())) | {"inputs", "outputs", "variables", "_steps"}
    names = []
    for operation in program.operations:
        name = operation.layer.replace(".", "_") or "layer"
        while name in taken:
            name += "_"
        taken.add(name)
        names.append(name)
    return names


def class_of(program: Program, arrays: Mapping[str, Array]) -> torch.dtype:
    """The class in which a network computes: that of its first weights."""
    used = [weight for operation in program.operations for weight in operation.weights()]
    return torch.float64 if used and arrays[used[0].name].dtype == np.float64 else torch.float32
