"""vl_simplenn_display: the table as MATLAB prints it, and the numbers in it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import vlnn

# What vl_simplenn_display of 1.0-beta23 printed in MATLAB for a network of this shape, as its user noted it.
PRINTED = """\
     layer|    0|     1|      2|     3|     4|     5|      6|     7|     8|      9|     10|     11|     12|     13|
      type|input|  conv|  mpool|  relu|  conv|  relu|  apool|  conv|  relu|  apool|   conv|   relu|   conv|softmxl|
      name|  n/a|layer1| layer2|layer3|layer4|layer5| layer6|layer7|layer8| layer9|layer10|layer11|layer12|layer13|
----------|-----|------|-------|------|------|------|-------|------|------|-------|-------|-------|-------|-------|
   support|  n/a|     5|      3|     1|     5|     1|      3|     5|     1|      3|      4|      1|      1|      1|
  filt dim|  n/a|     3|    n/a|   n/a|    32|   n/a|    n/a|    32|   n/a|    n/a|     64|    n/a|     64|    n/a|
filt dilat|  n/a|     1|    n/a|   n/a|     1|   n/a|    n/a|     1|   n/a|    n/a|      1|    n/a|      1|    n/a|
 num filts|  n/a|    32|    n/a|   n/a|    32|   n/a|    n/a|    64|   n/a|    n/a|     64|    n/a|     10|    n/a|
    stride|  n/a|     1|      2|     1|     1|     1|      2|     1|     1|      2|      1|      1|      1|      1|
       pad|  n/a|     2|0x1x0x1|     0|     2|     0|0x1x0x1|     2|     0|0x1x0x1|      0|      0|      0|      0|
----------|-----|------|-------|------|------|------|-------|------|------|-------|-------|-------|-------|-------|
   rf size|  n/a|     5|      7|     7|    15|    15|     19|    35|    35|     43|     67|     67|     67|     67|
 rf offset|  n/a|     1|      2|     2|     2|     2|      4|     4|     4|      8|     20|     20|     20|     20|
 rf stride|  n/a|     1|      2|     2|     2|     2|      4|     4|     4|      8|      8|      8|      8|      8|
----------|-----|------|-------|------|------|------|-------|------|------|-------|-------|-------|-------|-------|
 data size|   32|    32|     16|    16|    16|    16|      8|     8|     8|      4|      1|      1|      1|      1|
data depth|    3|    32|     32|    32|    32|    32|     32|    64|    64|     64|     64|     64|     10|      1|
  data num|    1|     1|      1|     1|     1|     1|      1|     1|     1|      1|      1|      1|      1|      1|
----------|-----|------|-------|------|------|------|-------|------|------|-------|-------|-------|-------|-------|
  data mem| 12KB| 128KB|   32KB|  32KB|  32KB|  32KB|    8KB|  16KB|  16KB|    4KB|   256B|   256B|    40B|     4B|
 param mem|  n/a|  10KB|     0B|    0B| 100KB|    0B|     0B| 200KB|    0B|     0B|  256KB|     0B|    3KB|     0B|

parameter memory|569KB (1.5e+05 parameters)|
     data memory|  313KB (for batch size 1)|

"""


def conv(size: int, depth: int, filters: int, **fields: Any) -> dict[str, Any]:
    weights = [np.zeros((size, size, depth, filters), np.float32), np.zeros((1, filters), np.float32)]
    return {"type": "conv", "weights": weights, **fields}


def pool(method: str) -> dict[str, Any]:
    return {"type": "pool", "method": method, "pool": [3, 3], "stride": 2, "pad": [0, 1, 0, 1]}


def cifar() -> Any:
    relu = {"type": "relu"}
    layers = [
        *(conv(5, 3, 32, pad=2), pool("max"), relu),
        *(conv(5, 32, 32, pad=2), relu, pool("avg")),
        *(conv(5, 32, 64, pad=2), relu, pool("avg")),
        *(conv(4, 64, 64), relu, conv(1, 64, 10), {"type": "softmaxloss"}),
    ]
    return vlnn.vl_simplenn_tidy({"layers": layers, "meta": {"inputSize": np.array([[32.0, 32.0, 3.0]])}})


def test_the_printed_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert vlnn.vl_simplenn_display(cifar(), nargout=0) is None
    assert capsys.readouterr().out == PRINTED
    info = vlnn.vl_simplenn_display(cifar())
    assert capsys.readouterr().out == PRINTED
    assert info.dataSize.shape == (4, 14)


def test_with_outputs_nothing_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    info = vlnn.vl_simplenn_display(cifar(), nargout=1)
    both, text = vlnn.vl_simplenn_display(cifar(), nargout=2)
    np.testing.assert_equal(info, both)
    assert text == PRINTED
    assert not capsys.readouterr().out


def test_info() -> None:
    info = vlnn.vl_simplenn_display(cifar(), "batchSize", 10, nargout=1)
    assert list(info) == [
        *("support", "stride", "pad", "receptiveFieldSize", "receptiveFieldOffset", "receptiveFieldStride", "dataSize"),
    ]
    assert [info[name].shape for name in info] == [(2, 13), (2, 13), (4, 13), (2, 13), (2, 13), (2, 13), (4, 14)]
    np.testing.assert_array_equal(info.dataSize[:, 9], [4, 4, 64, 10])
    np.testing.assert_array_equal(info.pad[:, 1], [0, 1, 0, 1])
    np.testing.assert_array_equal(info.receptiveFieldSize[:, 3], [15, 15])


def test_sizes_are_those_of_the_data() -> None:
    net = vlnn.vl_simplenn_tidy(
        {
            "layers": [
                conv(3, 2, 4, stride=[2, 1], pad=[1, 0, 2, 1], dilate=[1, 2]),
                {"type": "pool", "pool": [2, 3], "stride": [1, 2], "method": "max"},
                {"type": "relu"},
            ]
        }
    )
    x = np.zeros((17, 13, 2, 5), np.float32)
    info = vlnn.vl_simplenn_display(net, "inputSize", x.shape, nargout=1)
    for size, result in zip(info.dataSize.T, vlnn.vl_simplenn(net, x), strict=True):
        assert tuple(size) == result.x.shape


def test_latex_and_csv() -> None:
    net = {
        "layers": [conv(3, 3, 2, name="conv_1"), {"type": "normalize", "name": "n"}],
        "meta": {"inputSize": [8, 9, 3, 4]},
    }
    _, latex = vlnn.vl_simplenn_display(net, "format", "latex", nargout=2)
    lines = latex.splitlines()
    assert lines[0] == r"\begin{tabular}{cccc}"
    assert lines[1] == r"     layer&    0&     1&   2\\"
    assert lines[2] == r"      type&input&  conv&norm\\"
    assert lines[3] == r"      name&  n/a&conv\char`_1&   n\\"
    assert lines[4] == r"\hline"
    assert lines[-3] == r"     data memory&6KB (for batch size 4)\\"
    assert lines[-2:] == [r"\end{tabular}", ""]
    _, csv = vlnn.vl_simplenn_display(net, "format", "csv", nargout=2)
    lines = csv.splitlines()
    assert lines[:3] == ['"layer","0","1","2",', '"type","input","conv","norm",', '"name","n/a","conv_1","n",']
    assert '"data size","8x9","6x7","6x7",' in lines
    assert not [line for line in lines if "-" in line]


def test_wide_tables_are_broken() -> None:
    _, text = vlnn.vl_simplenn_display(cifar(), "maxNumColumns", 5, nargout=2)
    tables = text.split("\n\n")
    assert [table.count("|") // table.count("\n") for table in tables[:3]] == [6, 6, 5]
    assert tables[1].startswith("     layer|     5|      6|")


def test_what_is_not_known_is_nan() -> None:
    net = {"layers": [conv(3, 3, 2), {"type": "custom"}, {"type": "relu"}]}
    info, text = vlnn.vl_simplenn_display(net, nargout=2)
    np.testing.assert_array_equal(info.dataSize[:, 1], [np.nan, np.nan, 2, 1])
    assert "data size|NaNxNaN|" in text
    assert "|NaN (for batch size 1)|" in text
    info = vlnn.vl_simplenn_display(net, "inputSize", [8, 8, 3], nargout=1)
    np.testing.assert_array_equal(info.dataSize[:, 2], [6, 6, np.nan, 1])


def test_custom_layers_may_say_their_size() -> None:
    net = {"layers": [{"type": "custom", "getForwardSize": lambda layer, size: [2 * size[0], size[1], 7, size[3]]}]}
    info = vlnn.vl_simplenn_display(net, "inputSize", [8, 9, 3, 2], nargout=1)
    np.testing.assert_array_equal(info.dataSize[:, 1], [16, 9, 7, 2])


def test_where_the_size_of_the_input_stands() -> None:
    def size(*options: Any, **meta: Any) -> list[float]:
        info = vlnn.vl_simplenn_display({"layers": [], "meta": meta}, *options, nargout=1)
        return [float(number) for number in info.dataSize[:, 0]]

    image = {"imageSize": np.array([[224.0, 224.0, 3.0]])}
    assert size(normalization=image) == [224, 224, 3, 1]
    assert size(normalization=image, inputSize=[32, 32, 3, 9]) == [32, 32, 3, 9]
    assert size("inputSize", [7, 8], "batchSize", 5)[:2] == [7, 8]
    assert size("inputSize", [7, 8, 2], "batchSize", 5) == [7, 8, 2, 5]


def test_dilation_empty_filters_and_convt() -> None:
    convt = {"type": "convt", "weights": [np.zeros((4, 4, 2, 3), np.float32), []], "upsample": 2}
    net = {"layers": [conv(3, 3, 2, dilate=[1, 2]), {"type": "conv", "weights": [[], []], "stride": 2}, convt]}
    info, text = vlnn.vl_simplenn_display(net, "inputSize", [9, 9, 3], nargout=2)
    np.testing.assert_array_equal(info.support.T, [[3, 5], [1, 1], [1, 1]])
    np.testing.assert_array_equal(info.dataSize.T[1:], [[7, 5, 2, 1], [4, 3, 2, 1], [4, 3, 2, 1]])
    assert "filt dilat|  n/a|   1x2|     1|   n/a|" in text


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["format", "html"], "FORMAT is not one of ascii, latex, csv. Received 'html'."),
        (["inputSize", [1, 2, 3, 4, 5]], "INPUTSIZE is not a size"),
        (["inputSize", "large"], "INPUTSIZE is not a size"),
        (["batchSize", [1, 2]], "BATCHSIZE does not have one elements"),
        (["maxNumColumns", 0], "MAXNUMCOLUMNS is not a positive number"),
        (["width", 0], "Unknown parameter 'width'"),
    ],
)
def test_options_that_are_refused(options: list[Any], sentence: str) -> None:
    with pytest.raises(vlnn.MatConvNetError) as caught:
        vlnn.vl_simplenn_display(cifar(), *options)
    assert str(caught.value).startswith(sentence)


@pytest.mark.parametrize(
    "layer",
    [{"type": "pool"}, {"type": "conv", "weights": []}, {"type": "conv", "filters": 3}, {"type": "pool", "pool": "a"}],
)
def test_layers_that_lack_something(layer: dict[str, Any]) -> None:
    with pytest.raises(vlnn.MatConvNetError):
        vlnn.vl_simplenn_display({"layers": [layer]}, nargout=1)
