"""SimpleNN: a chain of layers with what belongs to it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from vlnn.matlab.values import Struct
from vlnn.simplenn.prediction import predict
from vlnn.simplenn.saving import save

# Where those find it who expect an older version of MatConvNet, or a DagNN.
DAGNN = (
    "that is a DagNN's; net.predict(x) and vlnn.vl_simplenn(net, x) evaluate this one, DagNN.fromSimpleNN converts it"
)
ELSEWHERE = {
    "normalization": "it is net.meta.normalization",
    "classes": "it is net.meta.classes",
    **dict.fromkeys(("eval", "vars", "params", "getVarIndex", "removeLayer", "mode"), DAGNN),
    "move": "net = vlnn.vl_simplenn_move(net, 'gpu') moves it",
}


class SimpleNN(Struct):
    """A SimpleNN network: a struct with the fields layers and meta, which vl_simplenn evaluates.

    Parameters
    ----------
    layers : list of structs or dicts
        Each with a field type, such as 'conv', and the fields of the type; ``vlnn.vl_simplenn_tidy`` fills in what is
        missing.
    meta : struct or dict
        What else is known: normalization, classes and so on.

    >>> import numpy as np, vlnn
    >>> net = vlnn.simplenn.SimpleNN([{'type': 'relu'}, {'type': 'softmaxloss'}])
    >>> net
    SimpleNN(2 layers: relu, softmaxloss)
    >>> net.predict(np.array([[-1, 2]])).ravel()
    array([0., 2.], dtype=float32)
    """

    layers: list[Any]
    meta: Struct

    def __init__(self, layers: Iterable[Mapping[str, Any]] = (), meta: Mapping[str, Any] | None = None) -> None:
        super().__init__(
            layers=[layer if isinstance(layer, Struct) else Struct(layer) for layer in layers],
            meta=meta if isinstance(meta, Struct) else Struct(meta if isinstance(meta, Mapping) else {}),
        )

    def __getattr__(self, name: str) -> Any:
        if name not in self and name in ELSEWHERE:
            raise AttributeError(f"A SimpleNN network has no {name!r} of its own: {ELSEWHERE[name]}.")
        return super().__getattr__(name)

    def __missing__(self, name: str) -> Any:
        raise KeyError(f"{name}: {ELSEWHERE[name]}" if name in ELSEWHERE else name)

    def copy(self) -> SimpleNN:
        """A network of its own with the same layers."""
        return SimpleNN(self.layers, self.meta)

    def __repr__(self) -> str:
        types = [str(layer.get("type")) for layer in self.layers]
        shown = types if len(types) <= 20 else [*types[:10], "...", *types[-9:]]
        return f"SimpleNN({len(types)} layer{'s' if len(types) != 1 else ''}: {', '.join(shown)})"

    def predict(self, x: Any, outputs: str | Sequence[str] | None = None) -> Any:
        """Run the network in test mode, without the losses at its end.

        Parameters
        ----------
        x : (H, W, D, N) array, or {'input': array}, or {'input': array, 'sigmas': noise level} for FFDNet and SRMD
            N inputs as the network expects them: scaled, and the mean subtracted. Missing dimensions are 1. The array
            takes the class of the network's first weights, its values unchanged, and so do weights of another class. A
            network without weights works in single, or in double where x is double.
        outputs : names of layers, optional
            Whose outputs to return. The name of a softmaxloss or loss at the end stands for the softmax of what it
            gets; so does 'prob', as 'prediction' stands for the output without losses, unless layers have these names.

        Returns
        -------
        y : (YH, YW, K, N) array, Fortran-ordered
            The output of the last layer that is no loss; with `outputs` a dict of arrays by their names.

        Raises
        ------
        MatConvNetError
            As vl_simplenn does.

        A bnorm layer without moments, in a network of an old version, normalises by those of x, with a warning: this is
        what MatConvNet did then.

        >>> import numpy as np, vlnn
        >>> net = vlnn.simplenn.SimpleNN([{'type': 'softmaxloss', 'name': 'loss'}])
        >>> net.predict(np.zeros((1, 1, 2)), outputs='prob')['prob'].ravel()
        array([0.5, 0.5])
        """
        return predict(self, x, outputs)

    def save(self, path: str | os.PathLike[str], variable: str | None = None, **options: Any) -> None:
        """Write the network to a file that MatConvNet loads.

        Parameters
        ----------
        path : str or path
        variable : str, optional
            The variable to hold the network. By default its fields are variables of their own, layers and meta, as in
            the files that MatConvNet publishes: ``net = load(path)`` in MATLAB. With 'net' it is ``load(path)``.

        Options are those of ``vlnn.savemat``.

        Raises
        ------
        MatConvNetError
            For a custom layer whose functions are Python's.
        """
        save(self, path, variable, options)
