"""vl_simplenn_diagnose: the ranges of a network's weights and results, layer by layer."""

from __future__ import annotations

from typing import Any

import numpy as np

from vlnn.matlab.argparse import absent
from vlnn.matlab.arguments import give, matlab_function, outputs_wanted
from vlnn.matlab.arrays import is_array
from vlnn.matlab.values import Struct
from vlnn.simplenn.evaluation import results_for
from vlnn.simplenn.formats import cells, current_layers


@matlab_function(1, "one", "Not enough input arguments.")
def vl_simplenn_diagnose(net: Any, res: Any = None, *, nargout: int | None = None, figure: Any = None) -> Any:
    """Plot the ranges of the weights of a SimpleNN network, and of results.

    ``ranges = vl_simplenn_diagnose(net, res)`` finds the mean, the least and the largest element of every layer's
    filters and biases; with res, what vl_simplenn returned, also of its input x, and of the derivatives in these. It
    plots them where matplotlib is installed.

    Parameters
    ----------
    net : struct with the field layers
    res : list of structs, optional
    nargout : int, optional
        How many outputs to return: 0 or 1.
    figure : matplotlib figure, or False, optional
        Where to plot. None: the current one. False: do not plot.

    Returns
    -------
    ranges : struct
        Of filters and biases, with res also x, dzdx, dfilters and dbiases: each a (3, n) array of mean, least and
        largest, with NaN where a layer has none.

    Raises
    ------
    MatConvNetError
        For what is no network.

    Differs from MatConvNet: the numbers are returned; the bars reach from the least to the largest element (there they
    are drawn as distances from the mean); convt layers are shown too; `figure` is our own.

    Source: vl_simplenn_diagnose.m of 1.0-beta25.

    >>> import numpy as np, vlnn
    >>> net = {'layers': [{'type': 'conv', 'weights': [np.array([[1.0, 3.0]]), []]}]}
    >>> vlnn.vl_simplenn_diagnose(net, figure=False).filters.ravel()
    array([2., 1., 3.])
    """
    outputs_wanted("vl_simplenn_diagnose", nargout, 1)
    layers = current_layers(net)
    weights = [cells(layer.weights) if layer.type in ("conv", "convt", "bnorm") else [] for layer in layers]
    ranges = Struct(filters=_ranges(weights, 0), biases=_ranges(weights, 1))
    if not absent(res):
        results = results_for(layers, res)[: len(layers)]
        data = [[each.x, each.dzdx] for each in results]
        derivatives = [cells(each.dzdw) for each in results]
        ranges.x, ranges.dzdx = _ranges(data, 0, least=2), _ranges(data, 1, least=2)
        ranges.dfilters, ranges.dbiases = _ranges(derivatives, 0), _ranges(derivatives, 1)
    figure = _figure(figure)
    if figure is not None:
        _plot(figure, ranges)
    return give([ranges], nargout)


def _ranges(values: list[list[Any]], which: int, least: int = 1) -> Any:
    """Mean, least and largest of one of the arrays of each layer, where it has so many elements at least."""
    ranges = np.full((3, len(values)), np.nan)
    for i, arrays in enumerate(values):
        array: Any = arrays[which] if which < len(arrays) else None
        if is_array(array) and array.size >= least:
            ranges[:, i] = float(array.mean()), float(array.min()), float(array.max())
    return ranges


def _figure(figure: Any) -> Any:
    """Where to plot; None for nowhere."""
    if figure is False:
        return None
    if figure is not None:
        return figure
    try:
        import matplotlib.pyplot as plt
    except ImportError:
        return None
    return plt.gcf()


def _plot(figure: Any, ranges: Struct) -> None:
    figure.clear()
    for i, (name, (mean, least, largest)) in enumerate(ranges.items()):
        axes = figure.add_subplot(len(ranges), 1, i + 1)
        axes.errorbar(np.arange(1, len(mean) + 1), mean, [mean - least, largest - mean], fmt="bo")
        axes.grid(visible=True)
        axes.set_xlabel("layer")
        axes.set_ylabel(name)
        if i == 0:
            axes.set_title("coefficient ranges")
