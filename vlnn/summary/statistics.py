"""statistics: the parameters of a network in figures."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vlnn.matlab.arrays import is_array
from vlnn.summary.graph import Network, as_graph, shape_of


@dataclass(frozen=True)
class Statistics:
    """A parameter in figures, worked out in double from its finite elements; NaN where there are none.

    Attributes
    ----------
    name : str
        As the network calls it; in a SimpleNN network 'conv1.weights.0' and so on, counted from 0.
    size : tuple of int
    dtype : str
    least, mean, most, deviation : float
        The deviation is that of the elements as a whole population.
    zeros, not_finite : int
        How many elements are 0, and how many NaN or infinite.
    """

    name: str
    size: tuple[int, ...]
    dtype: str
    least: float
    mean: float
    most: float
    deviation: float
    zeros: int
    not_finite: int


def statistics(net: Network) -> list[Statistics]:
    """The parameters of a network in figures.

    >>> import numpy as np, vlnn
    >>> from vlnn.summary import statistics
    >>> net = vlnn.vl_simplenn_tidy({'layers': [{'type': 'conv', 'weights': [np.ones((3, 3, 1, 8)), []]}]})
    >>> [(each.name, each.size, each.mean) for each in statistics(net)]
    [('layer1.weights.0', (3, 3, 1, 8), 1.0)]
    """
    found = []
    for param in as_graph(net).params:
        if not is_array(param.value) or not param.value.size:
            continue
        value = param.value if isinstance(param.value, np.ndarray) else param.value.get()
        finite = value[np.isfinite(value)]
        found.append(
            Statistics(
                name=param.name,
                size=shape_of(value),
                dtype=str(value.dtype),
                least=float(finite.min()) if finite.size else np.nan,
                mean=float(finite.mean(dtype=np.float64)) if finite.size else np.nan,
                most=float(finite.max()) if finite.size else np.nan,
                deviation=float(finite.std(dtype=np.float64)) if finite.size else np.nan,
                zeros=int(np.count_nonzero(value == 0)),
                not_finite=value.size - finite.size,
            )
        )
    return found
