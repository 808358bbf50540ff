"""Classes that a test registers are forgotten after it."""

from collections.abc import Iterator

import pytest

from vlnn.dagnn import Layer


@pytest.fixture(autouse=True)
def _classes_as_they_were(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(Layer, "_classes", dict(Layer._classes))
    yield
