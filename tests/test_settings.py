"""The choices that outlive a call."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import vlnn
from vlnn.settings import DEFAULT_WORKSPACE_LIMIT, Settings

X, F = np.ones((3, 3)), np.ones((2, 2))
LIMIT_SENTENCE = "CudnnWorkSpaceLimit is not a non-negative scalar."

both = pytest.mark.parametrize("function", [vlnn.vl_nnconv, vlnn.vl_nnconvt])


def test_defaults() -> None:
    assert vlnn.settings.cudnn is True
    assert vlnn.settings.cudnn_workspace_limit == 512 * 2**20 == DEFAULT_WORKSPACE_LIMIT
    assert vlnn.settings.threads is None


@both
def test_flags_stay_in_force(function: Any) -> None:
    function(X, F, [], "NoCuDNN")
    assert vlnn.settings.cudnn is False
    function(X, F, [])
    assert vlnn.settings.cudnn is False
    function(X, F, [], "cudnn")
    assert vlnn.settings.cudnn is True


def test_one_choice_serves_all_functions() -> None:
    vlnn.vl_nnconv(X, F, [], "NoCuDNN", "CudnnWorkspaceLimit", 1024)
    vlnn.vl_nnconvt(X, F, [])
    assert not vlnn.settings.cudnn
    assert vlnn.settings.cudnn_workspace_limit == 1024


@both
def test_the_last_flag_wins(function: Any) -> None:
    function(X, F, [], "NoCuDNN", "CuDNN")
    assert vlnn.settings.cudnn
    function(X, F, [], "CuDNN", "NoCuDNN")
    assert not vlnn.settings.cudnn


@both
def test_flags_as_keywords(function: Any) -> None:
    choices = []
    for flag in ({"NoCuDNN": False}, {"NOCUDNN": True}, {"CuDNN": False}, {"cudnn": True}):
        function(X, F, [], **flag)
        choices.append(vlnn.settings.cudnn)
    assert choices == [True, False, False, True]  # False leaves things as they are


@both
@pytest.mark.parametrize(
    ("limit", "want"),
    [
        (0, 0),
        (1e9, 1e9),
        (np.inf, math.inf),
        (np.float32(2048), 2048),
        (np.array([[7.0]]), 7),
        (np.uint8(200), 200),
        ([3], 3),
    ],
)
def test_workspace_limit(function: Any, limit: Any, want: float) -> None:
    function(X, F, [], "CudnnWorkSpaceLimit", limit)
    assert vlnn.settings.cudnn_workspace_limit == want
    assert type(vlnn.settings.cudnn_workspace_limit) is float
    vlnn.clear_mex()
    function(X, F, [], cudnnworkspacelimit=limit)
    assert vlnn.settings.cudnn_workspace_limit == want


@both
@pytest.mark.parametrize("limit", [-1, -np.inf, np.nan, "512", "", None, [], [1, 2], np.ones((2, 2)), 1j, {}])
def test_bad_workspace_limit(function: Any, limit: Any) -> None:
    with pytest.raises(vlnn.MatConvNetError) as caught:
        function(X, F, [], "CudnnWorkspaceLimit", limit)
    assert str(caught.value).startswith(f"{LIMIT_SENTENCE} Received ")
    assert vlnn.settings.cudnn_workspace_limit == DEFAULT_WORKSPACE_LIMIT


@pytest.mark.parametrize("limit", [-1, math.nan, "512", None, [1]])
def test_bad_workspace_limit_in_settings(limit: Any) -> None:
    with pytest.raises(vlnn.MatConvNetError, match=LIMIT_SENTENCE):
        vlnn.settings.cudnn_workspace_limit = limit
    assert vlnn.settings.cudnn_workspace_limit == DEFAULT_WORKSPACE_LIMIT


@pytest.mark.parametrize("limit", [np.int64(4096), np.float32(4096), np.float64(4096), 4096, 4096.0])
def test_workspace_limit_of_any_class_in_settings(limit: Any) -> None:
    vlnn.settings.cudnn_workspace_limit = limit
    assert vlnn.settings.cudnn_workspace_limit == 4096


@both
@pytest.mark.parametrize(
    "mistake",
    [
        ("Foo", 1),
        ("Verbos",),
        (5,),
        ("CudnnWorkspaceLimit",),
        ("CudnnWorkspaceLimit", -1),
    ],
)
def test_choices_hold_when_a_later_option_is_bad(function: Any, mistake: tuple[Any, ...]) -> None:
    with pytest.raises(vlnn.MatConvNetError):
        function(X, F, [], "NoCuDNN", "CudnnWorkspaceLimit", 64, *mistake)
    assert not vlnn.settings.cudnn
    assert vlnn.settings.cudnn_workspace_limit == 64


@both
@pytest.mark.parametrize("x", [np.ones((1, 1, 3)), np.ones((3, 3), np.float32), "data", np.ones((3, 3), int)])
def test_choices_hold_when_the_arrays_are_bad(function: Any, x: Any) -> None:
    with pytest.raises(vlnn.MatConvNetError):
        function(x, F, [], "NoCuDNN")
    assert not vlnn.settings.cudnn


@both
def test_choices_after_a_bad_option_do_not_hold(function: Any) -> None:
    with pytest.raises(vlnn.MatConvNetError):
        function(X, F, [], "Foo", 1, "NoCuDNN")
    assert vlnn.settings.cudnn


def test_clear_mex_restores_what_options_set() -> None:
    vlnn.settings.threads = 3
    vlnn.settings.cudnn = False
    vlnn.settings.cudnn_workspace_limit = math.inf
    vlnn.clear_mex()
    assert vlnn.settings.cudnn
    assert vlnn.settings.cudnn_workspace_limit == DEFAULT_WORKSPACE_LIMIT
    assert vlnn.settings.threads == 3  # no option of MatConvNet's


def test_scoped_restores_on_leaving() -> None:
    with vlnn.settings.scoped(cudnn=False, cudnn_workspace_limit=5, threads=2) as inside:
        assert inside is vlnn.settings
        assert (inside.cudnn, inside.cudnn_workspace_limit, inside.threads) == (False, 5, 2)
        vlnn.vl_nnconv(X, F, [], "CuDNN", "CudnnWorkspaceLimit", 9)
        assert vlnn.settings.cudnn
    assert vlnn.settings.cudnn
    assert vlnn.settings.cudnn_workspace_limit == DEFAULT_WORKSPACE_LIMIT
    assert vlnn.settings.threads is None


def test_scoped_restores_what_options_changed() -> None:
    with vlnn.settings.scoped():
        vlnn.vl_nnconvt(X, F, [], "NoCuDNN")
        assert not vlnn.settings.cudnn
    assert vlnn.settings.cudnn


def test_scoped_restores_after_an_error() -> None:
    with pytest.raises(KeyError), vlnn.settings.scoped(cudnn=False, threads=1):
        raise KeyError
    assert vlnn.settings.cudnn
    assert vlnn.settings.threads is None


@pytest.mark.parametrize("name", ["tf32", "deterministic", "autotune"])
def test_how_cudnn_works(name: str) -> None:
    assert getattr(vlnn.settings, name) is False
    with vlnn.settings.scoped(**{name: 1}):
        assert getattr(vlnn.settings, name) is True
        vlnn.clear_mex()  # no option of MatConvNet's
        assert getattr(vlnn.settings, name) is True
    assert getattr(vlnn.settings, name) is False


def test_who_asked_for_cudnn() -> None:
    assert not vlnn.settings.cudnn_asked_for  # it is on by default
    with vlnn.settings.scoped():
        vlnn.vl_nnconv(X, F, [], "CuDNN")
        assert vlnn.settings.cudnn_asked_for
        vlnn.vl_nnconv(X, F, [], "NoCuDNN")
        assert not vlnn.settings.cudnn_asked_for
    assert vlnn.settings.cudnn
    assert not vlnn.settings.cudnn_asked_for


def test_scoped_in_scoped() -> None:
    with vlnn.settings.scoped(threads=1):
        with vlnn.settings.scoped(threads=2):
            assert vlnn.settings.threads == 2
        assert vlnn.settings.threads == 1


@pytest.mark.parametrize("choices", [{"cudn": False}, {"_cudnn": False}, {"cudnn": False, "clear": 1}])
def test_scoped_refuses_what_it_does_not_know(choices: dict[str, Any]) -> None:
    with (
        pytest.raises(TypeError, match="autotune, cudnn, cudnn_workspace_limit, deterministic, tf32, threads"),
        vlnn.settings.scoped(**choices),
    ):
        pytest.fail("the block was entered")
    assert vlnn.settings.cudnn


def test_scoped_with_a_bad_value_changes_nothing() -> None:
    with pytest.raises(ValueError, match="threads"), vlnn.settings.scoped(cudnn=False, threads=0):
        pytest.fail("the block was entered")
    assert vlnn.settings.cudnn


@pytest.mark.parametrize("threads", [0, -1, 1.0, "2", True, [2], math.inf])
def test_bad_threads(threads: Any) -> None:
    with pytest.raises(ValueError, match=r"settings\.threads is neither None nor a positive int\. Received "):
        vlnn.settings.threads = threads
    assert vlnn.settings.threads is None


@pytest.mark.parametrize("threads", [1, 64, None])
def test_threads(threads: Any) -> None:
    vlnn.settings.threads = threads
    assert vlnn.settings.threads == threads


def test_misspelt_settings_are_refused() -> None:
    with pytest.raises(AttributeError):
        vlnn.settings.cuDNN = False  # type: ignore[attr-defined]


def test_repr() -> None:
    assert repr(vlnn.settings) == (
        "Settings(cudnn=True, cudnn_workspace_limit=5.36871e+08, tf32=False, deterministic=False, autotune=False, "
        "threads=None)"
    )


def test_another_instance_has_the_defaults() -> None:
    vlnn.settings.cudnn = False
    assert Settings().cudnn
