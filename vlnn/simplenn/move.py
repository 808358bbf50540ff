"""vl_simplenn_move: a network on the CPU or on the GPU."""

from __future__ import annotations

from typing import Any

from vlnn.errors import MatConvNetError
from vlnn.matlab.arguments import give, matlab_function, outputs_wanted, received
from vlnn.matlab.devices import gpu, move_to
from vlnn.simplenn.formats import layers_of
from vlnn.simplenn.network import SimpleNN

FIELDS = ("weights", "momentum", "filters", "biases", "filtersMomentum", "biasesMomentum")


@matlab_function(2, "two", "Not enough input arguments.")
def vl_simplenn_move(net: Any, destination: Any, *, nargout: int | None = None) -> Any:
    """Move a SimpleNN network between CPU and GPU.

    ``net = vl_simplenn_move(net, 'gpu')`` returns the network with its weights as arrays of CuPy, on the current
    device; ``net = vl_simplenn_move(net, 'cpu')`` with arrays of NumPy. The argument is left as it is.

    Parameters
    ----------
    net : struct with the field layers
    destination : 'gpu' or 'cpu'
    nargout : int, optional
        How many outputs to return: 0 or 1.

    Returns
    -------
    net : SimpleNN
        The fields weights and momentum of every layer are moved, and filters and biases with their momentum, which old
        networks have; no other field.

    Raises
    ------
    MatConvNetError
        "Unknown destination 'x'."; for 'gpu' without CuPy or without a GPU.

    Differs from MatConvNet: layers of all types are moved, also of one's own, not conv, convt and bnorm alone.

    Source: vl_simplenn_move.m of 1.0-beta25.

    >>> import vlnn
    >>> vlnn.vl_simplenn_move({'layers': [{'type': 'relu'}]}, 'cpu')
    SimpleNN(1 layer: relu)
    """
    if destination not in ("cpu", "gpu"):
        shown = f"'{destination}'" if isinstance(destination, str) else received(destination)
        raise MatConvNetError(f"Unknown destination {shown}. vl_simplenn_move knows 'cpu' and 'gpu'.")
    outputs_wanted("vl_simplenn_move", nargout, 1)
    layers = layers_of(net)
    if destination == "gpu":
        gpu()
    for layer in layers:
        for name in FIELDS:
            if name in layer:
                value = layer[name]
                several = isinstance(value, (list, tuple))
                layer[name] = [move_to(each, destination) for each in value] if several else move_to(value, destination)
    moved = SimpleNN(layers)
    moved.update({name: value for name, value in net.items() if name != "layers"})
    return give([moved], nargout)
