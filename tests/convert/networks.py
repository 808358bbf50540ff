"""The networks that others have trained, where the folder with them is."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pytest

import vlnn
from tests.dagnn.nets import residual
from tests.simplenn.nets import LAYERS

FOLDER = Path(__file__).parents[3] / "shared" / "networks"


def files() -> list[Any]:
    """One parameter for each file, or one that is skipped."""
    found = sorted(FOLDER.glob("*.mat"))
    if not found:
        return [pytest.param(None, id="none", marks=pytest.mark.skip(reason=f"{FOLDER} is not there"))]
    return [pytest.param(path, id=path.stem) for path in found]


def load(path: Path) -> Any:
    """A network without what loading old ones warns of."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return vlnn.load_network(path)


def small() -> dict[str, Any]:
    """A small network of each kind, with meta."""
    chain = vlnn.vl_simplenn_tidy({"layers": LAYERS["several"][0], "meta": {"classes": {"name": ["a", "b", "c"]}}})
    return {"simplenn": chain, "dagnn": residual()}
