"""The examples in the docstrings, run as they stand."""

from __future__ import annotations

import doctest
from importlib import import_module
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "vlnn"
OPTIONAL = {"torch"}
WITH_EXAMPLES = [path for path in sorted(PACKAGE.rglob("*.py")) if ">>> " in path.read_text(encoding="utf-8")]


@pytest.mark.parametrize("path", [pytest.param(path, id=path.stem) for path in WITH_EXAMPLES])
def test_examples(path: Path) -> None:
    name = ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")
    try:
        module = import_module(name)
    except ModuleNotFoundError as error:
        if error.name not in OPTIONAL:
            raise
        pytest.skip(str(error))
    assert doctest.testmod(module).failed == 0


def test_the_convolutions_have_examples() -> None:
    assert {"nnconv", "nnconvt"} <= {path.stem for path in WITH_EXAMPLES}
