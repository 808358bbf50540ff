"""What happens in an epoch: the order of images, fetching ahead, what is printed, Ctrl-C, figures."""

from __future__ import annotations

import io
import os
import re
import signal
import sys
import threading
import time
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
from vlnn.training.batches import batches
from vlnn.training.progress import Clock
from vlnn.training.workers import Workers

LINE = re.compile(
    r"(train|val): epoch (\d\d): +(\d+)/ +(\d+): \d+\.\d \(\d+\.\d\) Hz objective: \d+\.\d{3} top1err: \d\.\d{3}"
    r"( top5err: 0\.000)?"
)


class Team(Workers):
    def __init__(self, rank: int, size: int) -> None:
        self.rank, self.size = rank, size


def test_parts_of_batches() -> None:
    images = np.arange(10)
    assert [[part.tolist() for part in batch] for batch in batches(images, 7, 3, Workers())] == [
        [[0, 3, 6], [1, 4], [2, 5]],
        [[7], [8], [9]],
    ]
    of_team = [batches(images, 7, 2, Team(rank, 2)) for rank in (0, 1)]
    assert [[part.tolist() for part in batch] for batch in of_team[0]] == [[[0, 4], [2, 6]], [[7], [9]]]
    assert [[part.tolist() for part in batch] for batch in of_team[1]] == [[[1, 5], [3]], [[8]]]


def test_every_epoch_has_an_order_of_its_own(tmp_path: Path) -> None:
    seen: list[Any] = []

    def get_batch(imdb: Any, batch: Any) -> Any:
        seen.append(batch.tolist())
        return simple_batch(imdb, batch)

    def orders(folder: str, **options: Any) -> list[list[int]]:
        seen.clear()
        train(network(), tmp_path / folder, get_batch=get_batch, batchSize=TRAIN, numEpochs=2, **options)
        return list(seen)

    first = orders("0")
    assert [sorted(order) for order in first] == 2 * [list(range(TRAIN)), list(range(TRAIN, TRAIN + VAL))]
    assert first[0] != first[2]
    assert orders("1") == first
    assert orders("2", randomSeed=1)[0] == first[2]  # it is added to the epoch
    assert orders("3", epochSize=10)[0] == first[0][:10]


def test_own_orders(tmp_path: Path) -> None:
    asked, seen = [], []

    def shuffle(images: Any, epoch: int, set_name: str) -> Any:
        asked.append((len(images), epoch, set_name))
        return images[::-1]

    def get_batch(imdb: Any, batch: Any) -> Any:
        seen.extend(batch)
        return simple_batch(imdb, batch)

    train(network(), tmp_path, get_batch=get_batch, shuffle=shuffle, numEpochs=1)
    assert asked == [(TRAIN, 1, "train"), (VAL, 1, "val")]
    assert seen == [*range(TRAIN - 1, -1, -1), *range(TRAIN + VAL - 1, TRAIN - 1, -1)]


@pytest.mark.parametrize("make", [network, dag_network])
def test_fetching_ahead_changes_nothing_but_the_thread(make: Any, tmp_path: Path) -> None:
    threads, order = set(), []

    def get_batch(imdb: Any, batch: Any) -> Any:
        threads.add(threading.current_thread().name)
        order.append(batch.tolist())
        return (dag_batch if make is dag_network else simple_batch)(imdb, batch)

    plain = train(make(), tmp_path / "0", get_batch=get_batch, numSubBatches=2)
    main, straight = set(threads), list(order)
    threads.clear(), order.clear()
    ahead = train(make(), tmp_path / "1", get_batch=get_batch, numSubBatches=2, prefetch=True)
    assert order == straight
    assert main == {threading.main_thread().name}
    assert len(threads) >= 1
    assert all(name.startswith("vlnn-prefetch") for name in threads)
    assert without_time(ahead[1]) == without_time(plain[1])
    for value, expected in zip(arrays(ahead[0]), arrays(plain[0]), strict=True):
        np.testing.assert_array_equal(value, expected)


def test_fetching_goes_on_while_batches_are_learned(tmp_path: Path) -> None:
    """Each batch is fetched in 30 ms; the error function takes 30 ms for what is learned."""

    def get_batch(imdb: Any, batch: Any) -> Any:
        time.sleep(0.03)
        return simple_batch(imdb, batch)

    def slow(params: Any, labels: Any, res: Any) -> list[float]:
        time.sleep(0.03)
        return []

    options = {"get_batch": get_batch, "errorFunction": slow, "errorLabels": ["slow"]}
    with pytest.raises(
        vlnn.MatConvNetError, match=r"^The error function returned 0 errors, and 'errorLabels' names slow"
    ):
        train(network(), tmp_path, **options)
    options |= {"errorFunction": lambda *args: [*slow(*args), 0], "val": np.nan, "batchSize": 2, "numEpochs": 1}
    seconds = [train(network(), tmp_path / str(ahead), prefetch=ahead, **options)[1].train[0].time for ahead in (0, 1)]
    assert seconds[1] < 0.8 * seconds[0]


def test_errors_of_the_thread_arrive(tmp_path: Path) -> None:
    def get_batch(imdb: Any, batch: Any) -> Any:
        if 5 in batch:
            raise FileNotFoundError("image 5")
        return simple_batch(imdb, batch)

    before = threading.active_count()
    with pytest.raises(FileNotFoundError, match="image 5"):
        train(network(), tmp_path, get_batch=get_batch, prefetch=True)
    assert threading.active_count() == before


@pytest.mark.parametrize("make", [network, dag_network])
def test_lines_are_matconvnets(make: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    function, get_batch = (vlnn.cnn_train_dag, dag_batch) if make is dag_network else (vlnn.cnn_train, simple_batch)
    function(make(), database(), get_batch, expDir=tmp_path, batchSize=8, numEpochs=2, plotStatistics=False)
    captured = capsys.readouterr()
    lines = [LINE.fullmatch(line) for line in captured.out.splitlines() if "epoch" in line]
    assert all(lines)
    found = [match.groups()[:4] for match in lines if match]
    batch = [("train", "1"), ("train", "2"), ("train", "3"), ("val", "1")]
    assert [(name, number) for name, _, number, _ in found] == 2 * batch
    assert [epoch for _, epoch, _, _ in found] == 4 * ["01"] + 4 * ["02"]
    assert [count for _, _, _, count in found] == 2 * ["3", "3", "3", "1"]
    assert captured.err == ""


def test_a_bar_on_a_terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(sys, "stderr", Terminal())
    train(network(), tmp_path, numEpochs=1)
    shown = sys.stderr.getvalue()  # type: ignore[attr-defined]
    assert "train 1" in shown
    assert "val 1" in shown
    assert "100%" in shown


def test_the_first_batches_do_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in MatConvNet: after the fourth batch all four have taken what it took."""
    now = iter([0.0, 10.0, 20.0, 30.0, 31.0, 32.0])
    monkeypatch.setattr("vlnn.training.progress.time.perf_counter", lambda: next(now))
    clock = Clock()
    laps = [clock.lap(batch) for batch in range(1, 6)]
    assert [taken for taken, _ in laps] == [10, 10, 10, 1, 1]
    assert [total for _, total in laps] == [10, 20, 30, 31, 5]
    assert clock.total == 5


@pytest.mark.parametrize("make", [network, dag_network])
def test_ctrl_c_ends_after_the_batch(make: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    handler = signal.getsignal(signal.SIGINT)
    done = 0

    def get_batch(imdb: Any, batch: Any) -> Any:
        nonlocal done
        done += 1
        if done == 6:  # in the second batch of the second epoch
            os.kill(os.getpid(), signal.SIGINT)
        return (dag_batch if make is dag_network else simple_batch)(imdb, batch)

    whole = train(make(), tmp_path / "whole")
    net, folder = make(), tmp_path / "parts"
    with pytest.raises(KeyboardInterrupt, match="in epoch 2, train, after batch 2 of 3"):
        train(net, folder, get_batch=get_batch)
    assert done == 6
    assert signal.getsignal(signal.SIGINT) is handler
    assert "Ctrl-C again" in capsys.readouterr().err
    assert [path.name for path in folder.iterdir()] == ["net-epoch-1.mat"]
    if make is dag_network:
        assert net.rng is None
        assert net.getLayer("layer1").block.opts == make().getLayer("layer1").block.opts
        assert all(var.value is None for var in net.vars)
    found = train(make(), folder)
    assert without_time(found[1]) == without_time(whole[1])
    for value, expected in zip(arrays(found[0]), arrays(whole[0]), strict=True):
        np.testing.assert_array_equal(value, expected)


def test_ctrl_c_between_epochs(tmp_path: Path) -> None:
    def interrupt(net: Any, params: Any, state: Any) -> None:
        if params.epoch == 2:
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt, match="in epoch 2, at its end"):
        train(network(), tmp_path, postEpochFn=interrupt, numEpochs=2)
    assert (tmp_path / "net-epoch-2.mat").exists()


def test_ctrl_c_twice_ends_at_once(tmp_path: Path) -> None:
    def get_batch(imdb: Any, batch: Any) -> Any:
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)
        raise AssertionError

    with pytest.raises(KeyboardInterrupt):
        train(network(), tmp_path, get_batch=get_batch)
    assert not list(tmp_path.iterdir())


def test_in_another_thread(tmp_path: Path) -> None:
    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.append(train(network(), tmp_path, numEpochs=1)))
    thread.start()
    thread.join()
    assert found[0][1].train[0].num == TRAIN


def test_what_is_asked_after_each_epoch(tmp_path: Path) -> None:
    asked: list[Any] = []
    kept: list[Any] = []
    answers = iter([0.5, None, [], [0.1, 0.2], 0])

    def ask(net: Any, params: Any, state: Any) -> Any:
        asked.append((params.epoch, params.learningRate, state.stats.train.num, len(state.solverState)))
        kept.append((params, state, state.solverState[0][0].copy()))
        return next(answers)

    train(network(), tmp_path, postEpochFn=ask, learningRate=[0.3, 0.2], numEpochs=9)
    rates = [0.3, 0.5, 0.5, 0.5, 0.2]
    assert asked == [(epoch, rate, TRAIN, 6) for epoch, rate in enumerate(rates, 1)]
    assert len(list(tmp_path.iterdir())) == 5
    assert [params.epoch for params, _, _ in kept] == [1, 2, 3, 4, 5]
    for _, state, momentum in kept:
        np.testing.assert_array_equal(state.solverState[0][0], momentum)


def test_dagnn_is_left_as_it_was(tmp_path: Path) -> None:
    net = dag_network()
    net.rng, net.accumulateParamDers = 5, True
    rng, values = net.rng, arrays(net)
    copies = [value.copy() for value in values]
    trained, _ = train(net, tmp_path)
    assert trained is net
    assert net.rng is rng
    assert net.accumulateParamDers
    for value, copy in zip(values, copies, strict=True):
        np.testing.assert_array_equal(value, copy)  # parameters have new arrays


def test_own_statistics(tmp_path: Path) -> None:
    def extract(stats: Any, net: Any) -> Any:
        return {**stats, "loss": net.getLayer("error").block.average}

    _, stats = train(dag_network(), tmp_path, extractStatsFn=extract)
    assert set(stats.train[0]) == {"num", "time", "loss"}


def test_own_errors(tmp_path: Path) -> None:
    def count(params: Any, labels: Any, res: Any) -> Any:
        assert res[-2].x.shape == (1, 1, 3, labels.size)
        return [labels.sum(), params.epoch * labels.size]

    _, stats = train(network(), tmp_path, errorFunction=count, errorLabels=["labels", "epochs"])
    labels = database()["images"]["labels"]
    assert [epoch.epochs for epoch in stats.val] == [1, 2, 3]
    assert stats.train[2].labels == pytest.approx(labels[:TRAIN].mean())


def test_figures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("matplotlib")
    train(network(), tmp_path, plotStatistics=True, plotDiagnostics=True, conserveMemory=False, numEpochs=2)
    for name in ("net-train.pdf", "net-diagnostics.pdf"):
        assert (tmp_path / name).read_bytes().startswith(b"%PDF")
    monkeypatch.setattr("vlnn.training.plots.find_spec", lambda name: None)
    train(network(), tmp_path / "without", plotStatistics=True, plotDiagnostics=True, numEpochs=1)
    assert [path.name for path in (tmp_path / "without").iterdir()] == ["net-epoch-1.mat"]


def test_profile(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = {"expDir": tmp_path, "profile": True, "numEpochs": 1, "plotStatistics": False}
    vlnn.cnn_train(network(), database(), simple_batch, **options)
    assert capsys.readouterr().out.count("Ordered by: internal time") == 2
