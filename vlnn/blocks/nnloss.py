"""vl_nnloss: losses of categories and of attributes."""

from __future__ import annotations

from typing import Any

import numpy as np

from vlnn.blocks.labels import Labels, class_index, exact_index, read_labels, spread_labels
from vlnn.blocks.operands import check_expands, common_class, matlab_size, operand, same_library, size_of
from vlnn.engines import engine_for
from vlnn.errors import MatConvNetError
from vlnn.geometry import Shape
from vlnn.matlab.argparse import absent, block_options, scalar_option
from vlnn.matlab.arguments import give, matlab_function, outputs_wanted, received
from vlnn.matlab.arrays import Tensor

OPTIONS = {
    "instanceWeights": None,
    "classWeights": None,
    "threshold": 0.0,
    "loss": "softmaxlog",
    "normalise": 1.0,
    "topK": 5.0,
}
ERRORS_OF_CATEGORIES = ("classerror", "topkerror")
CATEGORIES = (*ERRORS_OF_CATEGORIES, "log", "softmaxlog", "mhinge", "mshinge")
ATTRIBUTES = ("binaryerror", "binarylog", "logistic", "hinge")


@matlab_function(2, "two")
def vl_nnloss(x: Any, c: Any, dzdy: Any = None, *args: Any, nargout: int | None = None, **opts: Any) -> Any:
    """CNN categorical or attribute loss.

    ``y = vl_nnloss(x, c, 'loss', name)`` is the sum of the losses of all pixels, divided by the number of images.
    ``dzdx = vl_nnloss(x, c, dzdy, 'loss', name)`` is the derivative.

    Parameters
    ----------
    x : (H, W, D, N) array, single or double
        Scores of D classes or attributes, at each pixel of N images.
    c : array of any numeric class
        Of a categorical loss the classes, from 1 to D: N of them, one for each image, or an (H, W, 1, N) array. Of an
        attribute loss +1 where the attribute is there and -1 where not, an (H, W, D, N) array. What is labelled 0 is
        skipped.
    dzdy : scalar, optional
        The derivative of the network's loss in y. None, [] or left out: forward.
    nargout : int, optional
        How many outputs to return: 0 or 1.

    Options, as pairs ('loss', 'log') or keywords (loss='log'), in any case
    ------------------------------------------------------------------------
    loss : 'softmaxlog'
        Of categories, with p = x(c), the score of the right class:
        'classerror', 1 unless p is the largest score (the first of equals);
        'topkerror', 1 unless p is among the topK largest;
        'log', -log(p), the derivative with p not below 1e-8;
        'softmaxlog', -log of the softmax of p;
        'mhinge', max(0, 1 - p);
        'mshinge', max(0, 1 - p + the largest other score).
        Of attributes, for each of them:
        'binaryerror', sign(x - threshold) is not c;
        'binarylog', -log(c (x - 0.5) + 0.5);
        'logistic', log(1 + exp(-c x));
        'hinge', max(0, 1 - c x).
        The errors have the derivative 0.
    instanceWeights : []
        Weights of the losses, an (H, W, 1, N) array for categories and (H, W, D, N) for attributes, or one that MATLAB
        expands to it.
    normalise : True
        Divide by the number of images.
    threshold : 0
        Of 'binaryerror'.
    topK : 5
        Of 'topkerror'; not more than D.
    classWeights : []
        Has no effect, as in MatConvNet.

    Returns
    -------
    y : scalar
        In the class of x; of 'topkerror' a double, unless labels are 0 or there are weights.
    dzdx : array of the shape of x
        In the class of x; of 'hinge' a double, unless DZDY, C or the weights are single.

    Raises
    ------
    MatConvNetError
        "Unknown loss 'x'.", "Unknown parameter 'x'"; labels which are no classes, and sizes that do not agree, with
        sentences of our own.

    Differs from MatConvNet: labels above D, infinite or NaN are errors (there some read the scores of the next
    image); what is labelled 0 is skipped even where its loss is not finite; the derivative of 'mshinge' with D = 1 is
    0; the loss of no images is 0. Kept as it is: labels below 1 other than 0 stand for class 1, fractions are rounded,
    except in the two errors, where they agree with no class; the loss of integer scores (forward alone) is rounded
    pixel by pixel.

    Source: MatConvNet manual, "Categorical losses" and "Attribute losses"; vl_nnloss.m of 1.0-beta25.

    >>> import numpy as np, vlnn
    >>> round(float(vlnn.vl_nnloss(np.zeros((1, 1, 4, 2)), [1, 3])), 4)
    1.3863
    """
    dzdy, options = block_options(OPTIONS, dzdy, args, opts)
    name = options["loss"]
    loss = name.lower() if isinstance(name, str) else ""
    if loss not in CATEGORIES and loss not in ATTRIBUTES:
        shown = f"'{name}'" if isinstance(name, str) else received(name)
        raise MatConvNetError(f"Unknown loss {shown}. vl_nnloss knows {', '.join(CATEGORIES + ATTRIBUTES)}.")
    data = operand("X", x)
    size = _size(data)
    forward = absent(dzdy)
    whole = getattr(x, "dtype", data.array.dtype).kind in "iub"
    if whole and not forward:
        raise MatConvNetError(f"An input is neither SINGLE or DOUBLE nor it is empty. Received X of class {x.dtype}.")
    outputs_wanted("vl_nnloss", nargout, 1)

    labels = spread_labels(read_labels(c), size, (1,) if loss in CATEGORIES else (size[2],))
    weights = []
    if not absent(options["instanceWeights"]):
        weights = [operand("INSTANCEWEIGHTS", options["instanceWeights"])]
        same_library(data, *weights)
        height, width, depth, images = size
        check_expands(weights[0], (height, width, 1 if loss in CATEGORIES else depth, images))
    images = max(size[3], 1) if scalar_option("NORMALISE", options["normalise"]) else 1
    keep = labels != 0 if (labels == 0).any() else None
    setting = _setting(loss, options, size[2])
    planes = data.planes().reshape(size[::-1])
    engine = engine_for(data.array)
    factors = [one.planes() for one in weights]

    if forward:
        bare = loss == "topkerror" and keep is None and not weights
        dtype = np.dtype(np.float64) if bare else common_class(data, *weights)
        target = _target(loss, labels, size[2], data.array.dtype)
        factor = engine.product(dtype, 1 / images, *factors)
        return give([engine.loss_forward(loss, planes, target, keep, factor, setting, whole)], nargout)
    der = operand("DZDY", dzdy)
    check_expands(der, (1, 1, 1, 1))
    dtype = data.array.dtype
    if loss == "hinge":  # MatConvNet's formula is the only one without x outside a comparison
        dtype = np.dtype(np.float32) if labels.dtype == np.float32 else common_class(der, *weights)
    target = _target(loss, labels, size[2], dtype)
    factor = engine.product(dtype, der.array.item() / images, *factors)
    dzdx = engine.loss_backward(loss, planes, target, keep, factor, setting)
    return give([data.like(dzdx)], nargout)


def _size(data: Tensor) -> Shape:
    size = size_of(data)
    if len(size) != 4:
        raise MatConvNetError(f"X has more than four dimensions. Received {matlab_size(data)}.")
    height, width, depth, images = size
    return height, width, depth, images


def _target(loss: str, labels: Labels, classes: int, dtype: np.dtype[Any]) -> Labels:
    """What the engine compares scores with: class indexes from 0, or attributes."""
    if loss in ERRORS_OF_CATEGORIES:
        return exact_index(labels)
    if loss in CATEGORIES:
        return class_index(labels, classes)
    return labels.astype(dtype, copy=False)


def _setting(loss: str, options: dict[str, Any], depth: int) -> float:
    """The number that a loss needs besides scores and labels."""
    threshold, top_k = scalar_option("THRESHOLD", options["threshold"]), scalar_option("TOPK", options["topK"])
    if loss != "topkerror":
        return threshold
    if not 1 <= top_k <= depth or not top_k.is_integer():
        raise MatConvNetError(f"TOPK is not an integer from 1 to the number of classes, {depth}. Received {top_k:g}.")
    return top_k
