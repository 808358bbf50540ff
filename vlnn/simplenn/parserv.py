"""vl_simplenn_start_parserv: name a network's derivatives to a parameter server."""

from __future__ import annotations

from typing import Any

import numpy as np

from vlnn.matlab.arguments import give, matlab_function, outputs_wanted
from vlnn.matlab.arrays import CLASSES, is_array
from vlnn.simplenn.formats import cells, layers_of


@matlab_function(2, "two", "Not enough input arguments.")
def vl_simplenn_start_parserv(net: Any, ps: Any, *, nargout: int | None = None) -> Any:
    """Set up a parameter server for a SimpleNN network, and start it.

    ``net = vl_simplenn_start_parserv(net, ps)`` registers the derivative of weight j of layer i as 'li_j', both counted
    from 1: the names under which vl_simplenn pushes them with its option parameterServer.

    Parameters
    ----------
    net : struct with the field layers
    ps : object with the functions register(name, size, class, device) and start()
        `size` is a tuple, `class` 'single' or 'double', `device` 'cpu' or 'gpu'.
    nargout : int, optional
        How many outputs to return: 0 or 1.

    Returns
    -------
    net : the argument

    Raises
    ------
    MatConvNetError
        For what is no network.

    Source: vl_simplenn_start_parserv.m of 1.0-beta25.

    >>> import numpy as np, vlnn
    >>> class Server:
    ...     def register(self, *derivative): print(*derivative)
    ...     def start(self): print('started')
    >>> net = {'layers': [{'type': 'conv', 'weights': [np.ones((3, 3)), []]}]}
    >>> _ = vlnn.vl_simplenn_start_parserv(net, Server())
    l1_1 (3, 3) double cpu
    started
    """
    outputs_wanted("vl_simplenn_start_parserv", nargout, 1)
    for i, layer in enumerate(layers_of(net)):
        for j, weight in enumerate(cells(layer.get("weights"))):
            if is_array(weight) and weight.size:
                name = CLASSES.get(weight.dtype, str(weight.dtype)).replace("float", "single")
                device = "cpu" if isinstance(weight, np.ndarray) else "gpu"
                ps.register(f"l{i + 1}_{j + 1}", weight.shape, name, device)
    ps.start()
    return give([net], nargout)
