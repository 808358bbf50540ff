"""Classes that a test registers are forgotten after it."""

import pytest

from vlnn.dagnn import Layer


@pytest.fixture(autouse=True)
def _classes_as_they_were(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Layer, "_classes", dict(Layer._classes))
