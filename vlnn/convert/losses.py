"""A network without its losses."""

from __future__ import annotations

from vlnn.convert.changes import Changed
from vlnn.convert.weights import Network, layer_names, quietly, sharing
from vlnn.dagnn.prediction import judges_of
from vlnn.simplenn import SimpleNN
from vlnn.simplenn.formats import current_layers
from vlnn.simplenn.prediction import layers_before_losses


def drop_losses(net: Network) -> Changed:
    """Leave out the losses and measures of error at the end: what is left is what ``net.predict`` computes.

    Of a softmax loss the softmax goes, too. Formats that hold no losses have its softmax in its place otherwise.
    """
    if isinstance(net, SimpleNN):
        count = layers_before_losses(current_layers(net))
        gone, shorter = layer_names(net)[count:], SimpleNN(net.layers[:count], net.meta)
        return Changed(shorter, notes=_notes(gone))
    judges = [net.layers[index].name for index in quietly(judges_of, net)]
    shared = sharing(net)
    shared.removeLayer(judges)
    return Changed(shared, notes=_notes(judges))


def _notes(gone: list[str]) -> tuple[str, ...]:
    return (f"Losses left out: {', '.join(gone)}.",) if gone else ("There were no losses to leave out.",)
