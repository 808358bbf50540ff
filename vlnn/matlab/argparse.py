"""vl_argparse: structures of options updated from pairs, and the options of blocks that MatConvNet wrote in MATLAB.

MatConvNet has two option parsers. Its MEX files have flags and fixed tables (:mod:`vlnn.matlab.arguments`); its .m
files start from a structure of defaults, which vl_argparse updates. The sentences of their errors differ.
"""

from __future__ import annotations

import copy
import difflib
from collections.abc import Mapping, Sequence
from typing import Any

from vlnn.errors import MatConvNetError
from vlnn.matlab.arguments import give, outputs_wanted, plain, received
from vlnn.matlab.arrays import is_array


def vl_argparse(opts: Any, args: Any, *flags: str, nargout: int | None = None) -> Any:
    """Update a structure of options from a list of name/value pairs.

    ``opts = vl_argparse(opts, args)`` returns opts with the values in args; an unknown name is an error.
    ``opts, args = vl_argparse(opts, args, nargout=2)`` also returns what was not known.

    Parameters
    ----------
    opts : dict, or any object with attributes
        The options with their defaults. A copy is updated, opts itself is left as it is.
    args : list or tuple
        Pairs ('name', value) one after the other; a dict in the place of a pair stands for its items. A dict alone is
        taken for a list of one. Names are compared without case. The name 'a.b' with a value stands for 'a' with the
        value {'b': value}.
    'nonrecursive'
        A dict given for an option that is a dict replaces it. Otherwise it updates it, item by item; an empty dict
        takes any item, and any other value. Dicts in the place of pairs are not accepted.
    'merge'
        Add unknown names to opts, unless the value is a dict.
    nargout : int, optional
        2 for (opts, args); by default opts alone.

    Returns
    -------
    opts : of the class of the argument
    args : list
        The pairs with unknown names, and for every dict in the place of a pair the dict of its unknown items. What was
        unknown inside the value of a known option is dropped, as in MatConvNet.

    Raises
    ------
    MatConvNetError
        "Unknown parameter 'x'", "Cannot assign a non-struct value to the struct parameter 'x'.", "Expected either a
        param-value pair or a structure.", "OPTS must be a structure": MatConvNet's sentences.

    Differs from MatConvNet: not in what it accepts. Kept as it is: 'merge' does not add a dict under an unknown name,
    unless 'nonrecursive' is also there.

    Source: vl_argparse.m of 1.0-beta25.

    >>> import vlnn
    >>> vlnn.vl_argparse({'pad': 0, 'train': {'rate': 0.1, 'epochs': 5}}, ['Pad', 2, 'train.rate', 0.5])
    {'pad': 2, 'train': {'rate': 0.5, 'epochs': 5}}
    """
    recursive, merge = True, False
    if len(flags) > 2:
        raise MatConvNetError(f"There can be at most two options. Received {len(flags)}.")
    for flag in flags:
        word = flag.lower() if isinstance(flag, str) else flag
        if word == "nonrecursive":
            recursive = False
        elif word == "merge":
            merge = True
        else:
            raise MatConvNetError(
                f"Unknown option specified. Received {received(flag)}; vl_argparse knows 'nonrecursive' and 'merge'."
            )
    collect = nargout is not None and outputs_wanted("vl_argparse", nargout, 2) == 2
    updated, rest = _update(opts, args, recursive, merge, collect)
    return give([updated] if nargout is None else [updated, rest], nargout)


def block_options(
    defaults: Mapping[str, Any], dzdy: object, pairs: Sequence[object], keywords: Mapping[str, object]
) -> tuple[Any, dict[str, Any]]:
    """Read what follows the first arguments of a block that MatConvNet wrote in MATLAB: (dzdy, options)."""
    if isinstance(dzdy, str):
        pairs, dzdy = (dzdy, *pairs), None
    if not pairs and not keywords:
        return dzdy, dict(defaults)
    named = [item for pair in keywords.items() for item in pair]
    options, _ = _update(dict(defaults), [*pairs, *named], recursive=False, merge=False, collect=False)
    return dzdy, options


def scalar_option(name: str, value: object) -> float:
    """The number in the value of an option."""
    if type(value) is float:
        return value
    elements = plain(value)
    if elements is None or len(elements) != 1:
        raise MatConvNetError(f"{name} is not a scalar. Received {received(value)}.")
    return elements[0]


def absent(value: object) -> bool:
    """Whether a value is None or MATLAB's [], any array without elements."""
    if value is None:
        return True
    return (is_array(value) and value.size == 0) or (  # type: ignore[attr-defined]
        isinstance(value, (list, tuple)) and len(value) == 0
    )


def _update(opts: Any, args: Any, recursive: bool, merge: bool, collect: bool) -> tuple[Any, list[Any]]:
    """vl_argparse with its flags read; `collect` unknown names instead of raising."""
    before = _fields(opts)
    updated = copy.copy(opts)
    cells = list(args) if isinstance(args, (list, tuple)) else [args]
    by_lower: dict[str, list[str]] = {}
    for field in before:
        by_lower.setdefault(field.lower(), []).append(field)
    rest: list[Any] = []
    position = 0
    while position < len(cells):
        name = cells[position]
        if recursive and isinstance(name, Mapping):
            items = [item for pair in name.items() for item in pair]
            updated, unknown = _update(updated, items, recursive, merge, collect)
            if collect:
                rest.append(dict(zip(unknown[::2], unknown[1::2], strict=True)))
            position += 1
            continue
        if not isinstance(name, str):
            raise MatConvNetError(f"Expected either a param-value pair or a structure. Received {received(name)}.")
        if position + 1 == len(cells):
            raise MatConvNetError(f"Parameter '{name}' has no value.")
        value = cells[position + 1]
        position += 2
        head, *tail = name.split(".")
        for part in reversed(tail):
            value = {part: value}
        matches = by_lower.get(head.lower(), ())
        if len(matches) == 1:
            (field,) = matches
        elif merge:
            field = head
        elif collect:
            rest += cells[position - 2 : position]
            continue
        else:
            raise _unknown(head, before)
        current = before.get(field)
        if recursive and isinstance(current, Mapping) and current:
            if not isinstance(value, Mapping):
                raise MatConvNetError(
                    f"Cannot assign a non-struct value to the struct parameter '{field}'. Received {received(value)}."
                )
            value, _ = _update(_fields(updated)[field], value, recursive, merge, collect)
        elif recursive and isinstance(value, Mapping):
            if field not in _fields(updated):  # MATLAB stops here at a field that is not there
                raise MatConvNetError(f"OPTS has no structure '{field}' with which to merge one.")
            value, _ = _update(_fields(updated)[field], value, recursive=True, merge=True, collect=False)
        if isinstance(updated, Mapping):
            updated[field] = value  # type: ignore[index]
        else:
            setattr(updated, field, value)
    return updated, rest


def _fields(opts: Any) -> Mapping[str, Any]:
    """The options that a structure or an object holds, by their names."""
    if isinstance(opts, Mapping):
        return dict(opts)
    if hasattr(opts, "__dict__") and not callable(opts):
        return dict(vars(opts))
    raise MatConvNetError(f"OPTS must be a structure. Received {received(opts)}.")


def _unknown(name: str, known: Mapping[str, Any]) -> MatConvNetError:
    lower = {field.lower(): field for field in known}
    near = difflib.get_close_matches(name.lower(), lower, 1, 0.5)
    hint = f" Did you mean '{lower[near[0]]}'?" if near and near[0] != name.lower() else ""
    return MatConvNetError(f"Unknown parameter '{name}'.{hint} Known are {', '.join(known)}.")
