"""getLearnRateFactor, setLearnRateFactor, getL2Factor, setL2Factor: how much a parameter learns, and is decayed.

The layer or the layers come first, then which parameter: its name ('Weights', 'Bias'); for a list of layers the name of
the layer and that of the parameter, or both in one path ('up1/Weights').
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from vlnn.errors import MatConvNetError
from vlnn.matlab.arguments import received
from vlnn.toolbox.layer import TransposedConvolutionLayer

L = TypeVar("L", TransposedConvolutionLayer, Sequence[TransposedConvolutionLayer])
PARAMETERS = {"weights": "Weight", "bias": "Bias"}


def getLearnRateFactor(layer: TransposedConvolutionLayer | Sequence[Any], *parameter: str) -> float:
    """The factor of a parameter's learning rate: ``getLearnRateFactor(layer, 'Weights')``.

    >>> import vlnn
    >>> vlnn.getLearnRateFactor(vlnn.transposedConv2dLayer(3, 8, 'BiasLearnRateFactor', 2), 'Bias')
    2.0
    """
    return _get(layer, parameter, "LearnRateFactor")


def setLearnRateFactor(layer: L, *parameter_and_factor: Any) -> L:
    """The layer, or the list of layers, with another factor of a parameter's learning rate.

    ``layer = setLearnRateFactor(layer, 'Weights', 2)`` is ``layer.WeightLearnRateFactor = 2`` on a copy, as in MATLAB,
    whose layers are values: the layer that is given stays as it is.

    >>> import vlnn
    >>> layer = vlnn.transposedConv2dLayer(3, 8)
    >>> vlnn.setLearnRateFactor(layer, 'Weights', 2).WeightLearnRateFactor, layer.WeightLearnRateFactor
    (2.0, 1.0)
    """
    changed: L = _set(layer, parameter_and_factor, "LearnRateFactor")
    return changed


def getL2Factor(layer: TransposedConvolutionLayer | Sequence[Any], *parameter: str) -> float:
    """The factor of a parameter's L2 regularisation: ``getL2Factor(layer, 'Bias')``.

    >>> import vlnn
    >>> vlnn.getL2Factor(vlnn.transposedConv2dLayer(3, 8), 'Bias')
    0.0
    """
    return _get(layer, parameter, "L2Factor")


def setL2Factor(layer: L, *parameter_and_factor: Any) -> L:
    """The layer, or the list of layers, with another factor of a parameter's L2 regularisation, on a copy.

    >>> import vlnn
    >>> vlnn.setL2Factor(vlnn.transposedConv2dLayer(3, 8), 'Bias', 0.5).BiasL2Factor
    0.5
    """
    changed: L = _set(layer, parameter_and_factor, "L2Factor")
    return changed


def _get(where: Any, parameter: tuple[Any, ...], kind: str) -> float:
    at, name = _find(where, parameter)
    factor: float = getattr(where if at is None else where[at], _property(name, kind))
    return factor


def _set(where: Any, parameter_and_factor: tuple[Any, ...], kind: str) -> Any:
    if not parameter_and_factor:
        raise MatConvNetError("Not enough input arguments. Received no parameter and no factor.")
    *parameter, factor = parameter_and_factor
    at, name = _find(where, tuple(parameter))
    changed = (where if at is None else where[at]).copy()
    setattr(changed, _property(name, kind), factor)
    return changed if at is None else type(where)([*where[:at], changed, *where[at + 1 :]])


def _find(where: Any, parameter: tuple[Any, ...]) -> tuple[int | None, str]:
    """The position of the layer in a list, None for a layer alone, and the name of the parameter."""
    path = [part for each in parameter if isinstance(each, str) for part in each.split("/")]
    alone = isinstance(where, TransposedConvolutionLayer)
    if len(parameter) not in (1, 1 if alone else 2) or len(path) != (1 if alone else 2):
        rule = "the name of a parameter" if alone else "the names of a layer and of its parameter"
        raise MatConvNetError(f"The parameter is not given by {rule}. Received {received(list(parameter))}.")
    if alone:
        return None, path[0]
    names = [layer.Name for layer in where]
    if names.count(path[0]) != 1:
        raise MatConvNetError(f"There is not one layer of the name '{path[0]}'. The layers are {received(names)}.")
    return names.index(path[0]), path[1]


def _property(name: str, kind: str) -> str:
    if name.lower() not in PARAMETERS:
        raise MatConvNetError(f"The parameter is neither 'Weights' nor 'Bias'. Received {name!r}.")
    return PARAMETERS[name.lower()] + kind
