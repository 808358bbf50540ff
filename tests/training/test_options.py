"""The options of cnn_train and cnn_train_dag: every way to give them, and what they refuse."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import vlnn
from tests.training.digits import (
    TRAIN,
    VAL,
    arrays,
    dag_batch,
    dag_network,
    database,
    network,
    simple_batch,
    train,
    without_time,
)
from vlnn.training.options import COMMON, read_options, subset
from vlnn.training.train_dagnn import OPTIONS as OF_DAG
from vlnn.training.train_simplenn import OPTIONS as OF_SIMPLE

DEFAULTS = {
    "batchSize": 256,
    "numSubBatches": 1,
    "numEpochs": 300,
    "learningRate": 0.001,
    "weightDecay": 0.0005,
    "momentum": 0.9,
    "continue": True,
    "prefetch": False,
    "saveSolverState": True,
    "nesterovUpdate": False,
    "randomSeed": 0,
    "plotStatistics": True,
    "epochSize": np.inf,
}


def test_matconvnets_defaults() -> None:
    assert {name: COMMON[name] for name in DEFAULTS} == DEFAULTS
    assert OF_SIMPLE["errorFunction"] == "multiclass"
    assert tuple(OF_DAG["derOutputs"]) == ("objective", 1)


def test_pairs_keywords_and_structs_say_the_same(tmp_path: Path) -> None:
    wanted = train(network(), tmp_path / "0", momentum=0.5, nesterovUpdate=True, weightDecay=0.01)
    others = [
        train(network(), tmp_path / "1", "Momentum", 0.5, "NESTEROVUPDATE", 1, "weightdecay", np.array([[0.01]])),
        train(network(), tmp_path / "2", {"momentum": 0.5, "nesterovUpdate": True}, "weightDecay", 0.01),
        train(
            network(),
            tmp_path / "3",
            vlnn.matlab.Struct(),
            {"momentum": np.float32(0.5)},
            NesterovUpdate=[1],
            weightDecay=0.01,
        ),
    ]
    for net, stats in others:
        assert without_time(stats) == without_time(wanted[1])
        for value, expected in zip(arrays(net), arrays(wanted[0]), strict=True):
            np.testing.assert_array_equal(value, expected)


def test_nested_options() -> None:
    options = read_options({}, ["parameterServer.prefix", "mine", "parameterServer", {"method": "tflow"}], {})
    assert options.parameterServer == {"method": "tflow", "prefix": "mine"}
    options = read_options({}, ["solver", "solver.adam", "solverOpts.eps", 1e-3], {"solverOpts": {"beta1": 0.8}})
    assert options.solver is vlnn.solver.adam
    assert options.solverOpts == {"beta1": 0.8, "beta2": 0.999, "eps": 1e-3}


def test_der_outputs_as_a_dict(tmp_path: Path) -> None:
    first = train(dag_network(), tmp_path / "0", derOutputs=["objective", 0.5])
    second = train(dag_network(), tmp_path / "1", {"derOutputs": {"objective": 0.5}})
    assert without_time(first[1]) == without_time(second[1])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batchsizes": 1}, "Unknown parameter 'batchsizes'. Did you mean 'batchSize'?"),
        ({"solverOpts": {"rho": 1}}, "Unknown parameter 'solverOpts'."),
        ({"batchSize": 0}, "BATCHSIZE is not an integer of at least 1. Received 0."),
        ({"batchSize": [1, 2]}, "BATCHSIZE is not a number. Received [1, 2]."),
        ({"numSubBatches": 1.5}, "NUMSUBBATCHES is not an integer of at least 1."),
        ({"epochSize": -1}, "EPOCHSIZE is neither a non-negative integer nor Inf."),
        ({"learningRate": []}, "LEARNINGRATE is not a vector of numbers."),
        ({"learningRate": "fast"}, "LEARNINGRATE is not a vector of numbers. Received 'fast'."),
        ({"momentum": "0.9"}, "MOMENTUM is not a number."),
        ({"randomSeed": -1}, "RANDOMSEED is not an integer of at least 0."),
        ({"prefetch": "yes"}, "PREFETCH is neither true nor false. Received 'yes'."),
        ({"gpus": [-1]}, "GPUS is not a list of devices, which count from 0 as in CuPy."),
        ({"expDir": 3}, "EXPDIR is not the name of a folder."),
        ({"postEpochFn": 1}, "POSTEPOCHFN is not a function."),
        ({"shuffle": [1]}, "SHUFFLE is not a function."),
        ({"solver": "sgd"}, "Invalid solver; expected a function handle with two outputs. Received 'sgd'; known"),
        ({"solver": lambda w: w}, "Invalid solver; expected a function handle with two outputs. Called without"),
        ({"solver": lambda *_: 3}, "Invalid solver; expected a function handle with two outputs. Without arguments"),
        ({"errorFunction": "top1"}, "Unknown error function 'top1'. Known are 'multiclass', 'binary', 'none'"),
        ({"errorFunction": 3}, "ERRORFUNCTION is neither a name nor a function."),
        ({"backPropDepth": 0}, "Invalid `backPropDepth` value (!>0)."),
    ],
)
def test_what_is_refused(options: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(vlnn.MatConvNetError) as caught:
        train(network(), tmp_path, **options)
    assert str(caught.value).startswith(message)
    assert not list(tmp_path.iterdir())


def test_options_of_the_other_function(tmp_path: Path) -> None:
    with pytest.raises(vlnn.MatConvNetError, match=r"^Unknown parameter 'derOutputs'"):
        train(network(), tmp_path, derOutputs=["objective", 1])
    with pytest.raises(vlnn.MatConvNetError, match=r"^Unknown parameter 'errorFunction'"):
        train(dag_network(), tmp_path, errorFunction="none")


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ([], [0, 2]),
        (None, [0, 2]),
        (np.nan, []),
        (np.array([[np.nan]]), []),
        ([3, 1], [3, 1]),
        (np.array([[3.0], [1.0]]), [3, 1]),
        (np.array([True, False, False, True]), [0, 3]),
        (range(2), [0, 1]),
        (["a.png", "b.png"], ["a.png", "b.png"]),
    ],
)
def test_sets(given: Any, found: Any) -> None:
    imdb = {"images": {"set": np.array([[1.0, 2.0, 1.0, 3.0]])}}
    chosen = subset(imdb, given, "train", 1)
    assert chosen.tolist() == found
    assert chosen.dtype == (object if "a.png" in found else np.intp)


@pytest.mark.parametrize(
    "imdb", [{"images": [{"set": [1, 2]}]}, vlnn.matlab.Struct(images=vlnn.matlab.Struct(set=np.array([1, 2])))]
)
def test_forms_of_a_database(imdb: Any) -> None:
    assert subset(imdb, [], "val", 2).tolist() == [1]


@pytest.mark.parametrize("imdb", [None, {}, {"images": {}}, [1, 2]])
def test_databases_without_sets(imdb: Any) -> None:
    with pytest.raises(vlnn.MatConvNetError, match=r"^Reference to non-existent field 'set'.*'train'"):
        subset(imdb, [], "train", 1)


@pytest.mark.parametrize("inside", [False, True])
def test_a_database_in_a_file(inside: bool, tmp_path: Path) -> None:
    path = tmp_path / "imdb.mat"
    vlnn.savemat(path, {"imdb": database(), "other": 1} if inside else database())
    seen = []

    def get_batch(imdb: Any, batch: Any) -> Any:
        seen.append(batch)
        return imdb.images.data[..., batch], imdb.images.labels[:, batch]

    _, stats = vlnn.cnn_train(network(), path, get_batch, expDir=tmp_path, numEpochs=1, plotStatistics=False)
    assert (stats.train[0].num, stats.val[0].num) == (TRAIN, VAL)
    assert sorted(np.concatenate(seen)) == list(range(TRAIN + VAL))


def test_names_of_files_as_images(tmp_path: Path) -> None:
    seen = []

    def get_batch(imdb: Any, batch: Any) -> Any:
        seen.extend(batch)
        return simple_batch(database(), [int(name) for name in batch])

    names = [str(number) for number in range(10)]
    train(network(), tmp_path, get_batch=get_batch, train=names, val=np.nan, numEpochs=1, batchSize=4)
    assert sorted(seen) == names
    assert seen != names


@pytest.mark.parametrize("result", [None, 3, (1, 2, 3)])
def test_what_get_batch_may_not_return(result: Any, tmp_path: Path) -> None:
    with pytest.raises(vlnn.MatConvNetError, match=r"^GETBATCH did not return two values, \(im, labels\)"):
        train(network(), tmp_path, get_batch=lambda imdb, batch: result)
    with pytest.raises(vlnn.MatConvNetError, match=r"^INPUTS is not a"):
        train(dag_network(), tmp_path, get_batch=lambda imdb, batch: result)


def test_no_function(tmp_path: Path) -> None:
    with pytest.raises(vlnn.MatConvNetError, match=r"^GETBATCH is not a function of \(imdb, batch\)"):
        vlnn.cnn_train(network(), database(), "getBatch", expDir=tmp_path)
    with pytest.raises(vlnn.MatConvNetError, match=r"^Not enough input arguments\."):
        vlnn.cnn_train_dag(dag_network(), database())


def test_nargout(tmp_path: Path) -> None:
    given = network(), database(), simple_batch
    options = {"expDir": tmp_path, "numEpochs": 1, "plotStatistics": False}
    assert isinstance(vlnn.cnn_train(*given, nargout=1, **options), vlnn.simplenn.SimpleNN)
    assert vlnn.cnn_train(*given, nargout=0, **options) is None
    with pytest.raises(vlnn.MatConvNetError, match=r"^Too many output arguments"):
        vlnn.cnn_train(*given, nargout=3, **options)


def test_a_parameter_without_a_derivative(tmp_path: Path) -> None:
    net = dag_network()
    net.addLayer("aside", vlnn.dagnn.Conv(size=[1, 1, 2, 2]), "input", "nowhere", ["g", "h"])
    for name in ("g", "h"):
        net.getParam(name).value = np.ones((1, 1, 2, 2) if name == "g" else (2, 1), np.float32)
    with pytest.raises(vlnn.MatConvNetError, match=r"^A and B do not have the same number of elements\..*'g'"):
        train(net, tmp_path)
    for name in ("g", "h"):
        net.getParam(name).learningRate = net.getParam(name).weightDecay = 0
    train(net, tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda net: setattr(net.getParam("layer1f"), "value", None), "The parameter 'layer1f' has no value."),
        (lambda net: setattr(net.getParam("layer1f"), "trainMethod", "none"), "Unknown training method 'none'"),
    ],
)
def test_parameters_that_cannot_be_trained(change: Any, message: str, tmp_path: Path) -> None:
    net = dag_network()
    change(net)
    with pytest.raises(vlnn.MatConvNetError, match=f"^{message}"):
        train(net, tmp_path)


def test_der_outputs_are_needed_to_train_only(tmp_path: Path) -> None:
    with pytest.raises(vlnn.MatConvNetError, match=r"^DEROUTPUTS must be specified when training\."):
        train(dag_network(), tmp_path, derOutputs=[])
    _, stats = train(dag_network(), tmp_path, derOutputs=[], train=np.nan, numEpochs=1)
    assert stats.val[0].num == VAL


def test_too_few_multipliers(tmp_path: Path) -> None:
    net = network()
    net["layers"][0]["learningRate"] = [1]
    with pytest.raises(vlnn.MatConvNetError, match=r"^Index exceeds the number of elements in learningRate\. Layer 1"):
        train(net, tmp_path)


def test_kinds_of_networks(tmp_path: Path) -> None:
    with pytest.raises(vlnn.MatConvNetError, match=r"^A network needs two layers, the last one a loss"):
        train({"layers": [{"type": "softmaxloss"}]}, tmp_path)
    with pytest.raises(vlnn.MatConvNetError, match=r"^NET is no DagNN\. .*fromSimpleNN"):
        vlnn.cnn_train_dag(network(), database(), dag_batch, expDir=tmp_path)
    with pytest.raises(vlnn.MatConvNetError, match=r"^Reference to non-existent field 'layers'"):
        vlnn.cnn_train(dag_network(), database(), simple_batch, expDir=tmp_path)
