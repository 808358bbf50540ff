"""Checkpoints: training goes on as if nothing had happened; what they hold, and what damages them."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import vlnn
from tests.training.digits import arrays, dag_network, network, noisy_batch, simple_batch, train, without_time
from vlnn.matlab import Struct

NETWORKS = {"cnn_train": network, "cnn_train_dag": dag_network}
SOLVERS = (None, "solver.adam", "solver.adagrad", "rmsprop", "adadelta")


def assert_equal(found: tuple[Any, Struct], wanted: tuple[Any, Struct]) -> None:
    for value, expected in zip(arrays(found[0]), arrays(wanted[0]), strict=True):
        np.testing.assert_array_equal(value, expected)
    assert without_time(found[1]) == without_time(wanted[1])


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("make", NETWORKS.values(), ids=NETWORKS)
def test_resumed_equals_uninterrupted(make: Any, solver: Any, tmp_path: Path) -> None:
    whole = train(make(), tmp_path / "whole", solver=solver)
    train(make(), tmp_path / "parts", solver=solver, numEpochs=1)
    train(make(), tmp_path / "parts", solver=solver, numEpochs=2)
    assert_equal(train(make(), tmp_path / "parts", solver=solver), whole)
    assert_equal(train(make(), tmp_path / "parts", solver=solver), whole)  # nothing is left to do


def test_resumed_with_noise_from_numpy_and_without_a_solvers_state(tmp_path: Path) -> None:
    options = {"get_batch": noisy_batch, "saveSolverState": False}
    whole = train(network(), tmp_path / "whole", **options)
    train(network(), tmp_path / "parts", numEpochs=2, **options)
    assert_equal(train(network(), tmp_path / "parts", **options), whole)


def test_not_continued(tmp_path: Path) -> None:
    first = train(network(), tmp_path)
    assert_equal(train(network(), tmp_path, "continue", False), first)
    assert_equal(train(network(), tmp_path, continue_=False), first)


def test_goes_on_from_the_last_by_number(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    train(network(), tmp_path, numEpochs=11)
    (tmp_path / "net-epoch-12.mat.old").touch()
    vlnn.cnn_train(network(), {"images": {"set": [0]}}, simple_batch, expDir=tmp_path, numEpochs=11, train=[0])
    assert "cnn_train: resuming by loading epoch 11\n" in capsys.readouterr().out


def test_the_networks_of_the_caller_stay_as_they_are(tmp_path: Path) -> None:
    given = network()
    copies = [np.array(weight) for layer in given["layers"] for weight in layer.get("weights", [])]
    seen = []
    net, _ = train(given, tmp_path, postEpochFn=lambda net, params, state: seen.append(net))
    assert set(given["layers"][0]) == {"type", "weights", "pad"}
    weights = [weight for layer in given["layers"] for weight in layer.get("weights", [])]
    for weight, copy in zip(weights, copies, strict=True):
        np.testing.assert_array_equal(weight, copy)
    # A network kept from an earlier epoch does not change either.
    first = vlnn.loadmat(tmp_path / "net-epoch-1.mat").net
    np.testing.assert_array_equal(seen[0].layers[0].weights[0], first.layers[0].weights[0])
    assert not np.array_equal(seen[0].layers[0].weights[0], net.layers[0].weights[0])
    assert "class" not in net.layers[-1]


def test_functions_of_layers_are_not_saved_and_come_back(tmp_path: Path) -> None:
    def forward(layer: Any, before: Any, after: Any) -> Any:
        after.x = 2 * before.x
        return after

    def backward(layer: Any, before: Any, after: Any) -> Any:
        before.dzdx = 2 * after.dzdx
        return before

    def make() -> dict[str, Any]:
        net = network()
        net["layers"].insert(2, {"type": "custom", "forward": forward, "backward": backward})
        return net

    whole = train(make(), tmp_path / "whole")
    train(make(), tmp_path / "parts", numEpochs=2)
    assert "forward" not in vlnn.loadmat(tmp_path / "parts" / "net-epoch-2.mat").net.layers[2]
    assert_equal(train(make(), tmp_path / "parts"), whole)


def test_a_checkpoint_without_statistics(tmp_path: Path) -> None:
    vlnn.savemat(tmp_path / "net-epoch-4.mat", {"net": network(), "state": {}})
    with pytest.raises(vlnn.MatConvNetError, match="was only partially saved"):
        train(network(), tmp_path)


def test_a_damaged_checkpoint_is_named(tmp_path: Path) -> None:
    train(network(), tmp_path, numEpochs=1)
    path = tmp_path / "net-epoch-1.mat"
    path.write_bytes(path.read_bytes()[:3000])
    with pytest.raises(ValueError, match=r"net-epoch-1\.mat"):
        train(network(), tmp_path)


def test_writing_that_fails_spoils_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = train(network(), tmp_path / "whole")
    folder = tmp_path / "parts"
    train(network(), folder, numEpochs=1)
    before = (folder / "net-epoch-1.mat").read_bytes()

    def fail(path: Path, *args: Any) -> None:
        path.write_bytes(b"half a file")
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("vlnn.matlab.matfile.write5.write", fail)
        with pytest.raises(OSError, match="No space left"):
            train(network(), folder)
    assert [path.name for path in folder.iterdir()] == ["net-epoch-1.mat"]
    assert (folder / "net-epoch-1.mat").read_bytes() == before
    assert_equal(train(network(), folder), whole)


def test_large_checkpoints_are_of_format_73(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = train(network(), tmp_path / "whole")
    monkeypatch.setattr("vlnn.training.checkpoints.MOST", 1000)
    train(network(), tmp_path / "parts", numEpochs=2)
    assert (tmp_path / "parts" / "net-epoch-2.mat").read_bytes()[:10] == b"MATLAB 7.3"
    assert_equal(train(network(), tmp_path / "parts"), whole)


@pytest.mark.parametrize(("before", "after"), [("adam", None), ("adam", "rmsprop"), (None, "adam")])
def test_another_solver_cannot_go_on(before: Any, after: Any, tmp_path: Path) -> None:
    train(network(), tmp_path, numEpochs=1, solver=before)
    with pytest.raises(vlnn.MatConvNetError, match="'continue', False"):
        train(network(), tmp_path, solver=after)


@pytest.mark.skipif(shutil.which("octave") is None, reason="Octave, which reads files as MATLAB does, is not installed")
@pytest.mark.parametrize("make", NETWORKS.values(), ids=NETWORKS)
def test_octave_opens_what_matconvnet_expects(make: Any, tmp_path: Path) -> None:
    train(make(), tmp_path, numEpochs=2, solver="adam")
    (tmp_path / "look.m").write_text(LOOK, encoding="utf-8")
    process = subprocess.run(
        ["octave", "--no-gui", "--quiet", "look.m"], cwd=tmp_path, capture_output=True, text=True, timeout=120
    )
    assert process.stdout.split() == EXPECTED["vars" if make is dag_network else "layers"].split(), process.stderr


LOOK = """
load('net-epoch-2.mat', 'net', 'state', 'stats');
if isfield(net, 'vars')
  printf('%s ', class(net.layers), class(net.params), net.params(1).name, class(net.params(1).value));
  printf('%s ', net.layers(1).type);
  printf('%d ', size(net.params(1).value), net.params(2).learningRate);
  s = state.solverState{1};
else
  printf('%s ', class(net.layers), net.layers{1}.type, class(net.layers{1}.weights), net.layers{6}.type);
  printf('%d ', size(net.layers{1}.weights{1}), net.layers{2}.learningRate(1:2));
  printf('%d ', net.layers{5}.precious, isempty(net.layers{5}.weights{2}));
  s = state.solverState{1}{1};
end
printf('%s ', class(state.solverState), class(s), class(s.m));
printf('%d ', s.t, size(s.v), numel(stats.train), numel(stats.val));
printf('%d ', stats.train(2).num, stats.val(1).num, state.stats.val.num);
printf('%d ', isscalar(stats.train(1).objective), isfield(stats.val, 'top1err'));
"""
EXPECTED = {
    "layers": "cell conv cell softmaxloss 3 3 2 4 1 1 1 1 cell struct single 6 3 3 2 4 2 2 24 6 6 1 1",
    "vars": "struct struct layer1f single dagnn.Conv 3 3 2 4 1 cell struct single 6 3 3 2 4 2 2 24 6 6 1 1",
}
