"""A network written in another format, and proven to be the same."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from vlnn.convert import formats
from vlnn.convert.changes import Changed
from vlnn.convert.checkpoint import Checkpoint
from vlnn.convert.comparison import TOLERANCE
from vlnn.convert.folding import fold_bnorm
from vlnn.convert.half import halved
from vlnn.convert.inputs import flip_colours, with_preprocessing
from vlnn.convert.kinds import to_dagnn, to_simplenn
from vlnn.convert.like import filled
from vlnn.convert.losses import drop_losses
from vlnn.convert.proof import Proof, prove
from vlnn.convert.weights import Network
from vlnn.errors import ConversionError
from vlnn.matlab.arrays import Array
from vlnn.matlab.matfile.saving import new_file

HALF_TOLERANCE = 1e-2


@dataclass(frozen=True)
class Changes:
    """What is to be different in the network that is written.

    Attributes
    ----------
    kind : 'simplenn', 'dagnn' or None
        None: as it is.
    drop_loss, fold_bnorm, preprocessing : bool
        See ``drop_losses``, ``fold_bnorm`` and ``with_preprocessing``.
    colours : 'rgb', 'bgr' or None
        See ``flip_colours``.
    """

    kind: str | None = None
    drop_loss: bool = False
    fold_bnorm: bool = False
    preprocessing: bool = False
    colours: str | None = None

    def of(self, net: Network) -> Changed:
        """The network changed so."""
        steps: list[tuple[bool, Callable[[Network], Changed]]] = [
            (self.drop_loss, drop_losses),
            (self.kind == "dagnn", to_dagnn),
            (self.kind == "simplenn", to_simplenn),
            (self.colours is not None, lambda net: flip_colours(net, self.colours or "")),
            (self.preprocessing, with_preprocessing),
            (self.fold_bnorm, fold_bnorm),
        ]
        changed = Changed(net)
        for wanted, change in steps:
            if wanted:
                changed = changed.then(change)
        return changed


@dataclass(frozen=True)
class Check:
    """How a file is proven.

    Attributes
    ----------
    given : dict, optional
        Inputs by their names; the name of the only one does not matter.
    size : height, width and, optionally, channels
        Of random inputs.
    tolerance : float, optional
        What a variable may differ by, in relation to its largest element. By default 1e-5, and 1e-2 with weights in
        half precision.
    """

    given: Mapping[str, Array] | None = None
    size: Sequence[int] | None = None
    tolerance: float | None = None


class Saved(NamedTuple):
    """What was changed in the network that was written, in sentences, and the proof, None without a check."""

    notes: tuple[str, ...]
    proof: Proof | None


CHECK = Check()


def load(
    path: str | os.PathLike[str],
    variable: str | None = None,
    like: Network | None = None,
    layout: str | None = None,
    suffix: str | None = None,
) -> Network:
    """Read a network from a file of any format.

    Parameters
    ----------
    path : str or path
        .mat, .npz, .safetensors, .pt or .onnx. All but those of other programs hold whole networks.
    variable : str, optional
        Which network, where a .mat file has several; see ``vlnn.load_network``.
    like : SimpleNN or DagNN, optional
        For weights alone: the network that they are for. See :func:`vlnn.convert.like.filled`.
    layout : 'matlab', 'torch' or 'reversed', optional
        How the filters lie in a file of weights alone; by default as MATLAB's in .npz files, else as PyTorch's.
    suffix : str, optional
        The format, whatever the file's name.

    Raises
    ------
    ConversionError, MatFileError
        The file is damaged, of another format, or has weights alone that are for no network or another one.
    ModuleNotFoundError
        A package is missing; the message says how to install it.
    OSError
        The file cannot be opened.
    """
    checkpoint = formats.read(path, suffix, variable)
    if like is not None:
        known = suffix or Path(path).suffix
        return filled(like, checkpoint, layout or ("matlab" if known.lower().endswith("npz") else "torch"))
    if not checkpoint.description:
        raise ConversionError(
            f"{os.fspath(path)} has weights alone and no description of a network: say what they are for with "
            "--like NET, in Python with like=net."
        )
    return checkpoint.network()


def save(
    net: Network,
    path: str | os.PathLike[str],
    *,
    changes: Changes | None = None,
    half: bool = False,
    check: Check | None = CHECK,
    suffix: str | None = None,
    **options: Any,
) -> Saved:
    """Write a network into a file of any format, and prove that the file holds it.

    The file takes its name when it is complete and proven.

    Parameters
    ----------
    net : SimpleNN or DagNN
        It stays as it is.
    path : str or path
        .mat, .npz, .safetensors, .pt or .onnx.
    changes : Changes, optional
        What is to be different in the file.
    half : False
        Store weights in half precision, moments excepted; they are read as the class they had. Not in .mat.
    check : Check, optional
        How the file is proven: by default on random input, with a tolerance of 1e-5. None: not at all.
    suffix : str, optional
        The format, whatever the file's name.
    options
        version : '5' or '7.3', of .mat files.

    Raises
    ------
    ConversionError
        A layer cannot be converted, which is said before anything is written; or the proof failed.
    ModuleNotFoundError
        A package is missing; the message says how to install it.
    OSError
        The file cannot be written.

    >>> import os, tempfile, numpy as np
    >>> from vlnn.convert import load, save
    >>> from vlnn.simplenn import SimpleNN
    >>> filters = np.ones((3, 3, 1, 8), np.float32)
    >>> net = SimpleNN([{'type': 'conv', 'name': 'conv1', 'weights': [filters, []]}, {'type': 'relu', 'name': 'r'}])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, 'net.npz')
    ...     print(save(net, path).proof)
    ...     load(path)
    Proof: 1 weight read back, 2 variables computed again; there is no difference.
    SimpleNN(2 layers: conv, relu)
    """
    form = formats.format_of(path, suffix)
    form.require("writes", *([] if check is None else ["reads", "runs"]))
    if half and not form.half:
        raise ConversionError(f"{form.name} has no half precision.")
    changed = Changed(net) if changes is None else changes.of(net)
    with new_file(Path(os.path.realpath(path))) as beside:
        checkpoint = Checkpoint.of(changed.net)
        form.write(halved(checkpoint) if half else checkpoint, beside, **options)
        del checkpoint
        if check is None:
            return Saved(changed.notes, None)
        tolerance = check.tolerance or (HALF_TOLERANCE if half else TOLERANCE)
        proof = prove(net, changed, beside, form, tolerance, half, check.given, check.size)
        if proof.failure:
            raise ConversionError(f"{proof} The file is removed.")
    return Saved(changed.notes, proof)
