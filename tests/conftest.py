"""What every test starts from: the default settings, and examples that are the same in every run."""

from collections.abc import Iterator

import hypothesis
import pytest

import vlnn

hypothesis.settings.register_profile(
    "vlnn",
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],  # a busy machine is no reason to fail
)
hypothesis.settings.load_profile("vlnn")


@pytest.fixture(autouse=True)
def _default_settings() -> Iterator[None]:
    yield
    vlnn.clear_mex()
    vlnn.settings.threads = None
    vlnn.settings.tf32 = vlnn.settings.deterministic = vlnn.settings.autotune = False
