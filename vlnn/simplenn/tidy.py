"""vl_simplenn_tidy: bring a network up to date."""

from __future__ import annotations

from typing import Any

from vlnn.matlab.arguments import give, matlab_function, outputs_wanted
from vlnn.simplenn.formats import current_layers, current_meta
from vlnn.simplenn.network import SimpleNN


@matlab_function(1, "one", "Not enough input arguments.")
def vl_simplenn_tidy(net: Any, *, nargout: int | None = None) -> Any:
    """Fix an incomplete or outdated SimpleNN network.

    ``net = vl_simplenn_tidy(net)`` fills in the fields that are missing, and moves those that were elsewhere in older
    versions of MatConvNet. The argument is left as it is; the arrays are shared.

    Parameters
    ----------
    net : struct with the field layers
    nargout : int, optional
        How many outputs to return: 0 or 1.

    Returns
    -------
    net : SimpleNN
        With the fields layers and meta alone. In `meta` are also `classes` and `normalization`, which old networks have
        beside their layers; where a normalization has a border, its cropSize is imageSize / (imageSize + border).

        In each layer but 'custom' ones: weights, [] or made of filters and biases; name, 'layer1' and so on; precious,
        False. conv: pad 0, stride 1, dilate 1, opts []. pool: pad 0, stride 1, opts []. convt: crop 0, upsample 1,
        numGroups 1, opts []. relu: leak 0. dropout: rate 0.5. normalize and lrn: param [5 1 0.0001/5 0.75]. pdist:
        noRoot and aggregate False, p 2, epsilon 1e-3, instanceWeights []. bnorm: epsilon 1e-5 and, as third weight,
        moments of zeros in single.

    Raises
    ------
    MatConvNetError
        "Reference to non-existent field 'x'." for what cannot be filled in, then which layer lacks it.

    Differs from MatConvNet: meta that is no struct becomes one without fields. Kept as it is: a pooling layer gets no
    method, and the moments of a double network are single.

    Source: vl_simplenn_tidy.m of 1.0-beta25.

    >>> import vlnn
    >>> net = vlnn.vl_simplenn_tidy({'layers': [{'type': 'relu'}]})
    >>> net.layers[0]
    Struct(type='relu', weights=[], name='layer1', precious=False, leak=0)
    """
    outputs_wanted("vl_simplenn_tidy", nargout, 1)
    layers = current_layers(net)
    return give([SimpleNN(layers, current_meta(net))], nargout)
