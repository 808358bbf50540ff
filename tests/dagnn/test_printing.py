"""DagNN.print: tables and graphs."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.dagnn.nets import residual
from vlnn import MatConvNetError, dagnn
from vlnn.dagnn import DagNN


def net() -> DagNN:
    made = DagNN()
    made.addLayer("conv_1", dagnn.Conv(size=[3, 3, 1, 40], pad=[0, 1, 0, 1], stride=2), "x", "a", ["f", "b"])
    made.addLayer("relu", dagnn.ReLU(), "a", "y")
    made.initParams()
    return made


def text(*args: object, **options: object) -> str:
    result = net().print(*args, nargout=1, **options)
    assert isinstance(result, str)
    return result


def test_the_tables() -> None:
    lines = text({"x": [8, 9, 1, 100]}, parameters="*", dependencies=True).splitlines()
    assert lines == [
        "   func| conv_1|relu|",
        "-------|-------|----|",
        "   type|   Conv|ReLU|",
        " inputs|      x|   a|",
        "outputs|      a|   y|",
        " params|    f b|    |",
        "    pad|0x1x0x1| n/a|",
        " stride|      2| n/a|",
        "",
        "",
        " param|       f|   b|",
        "------|--------|----|",
        "  dims|3x3x1x40|40x1|",
        "   mem|     1KB|160B|",
        "fanout|       1|   1|",
        "",
        "",
        "   var|        x|         a|         y|",
        "------|---------|----------|----------|",
        "  dims|8x9x1x100|4x4x40x100|4x4x40x100|",
        "   mem|     28KB|     250KB|     250KB|",
        " fanin|        0|         1|         1|",
        "fanout|        1|         1|         0|",
        "",
        "",
        "params|  2KB|",
        "  vars|528KB|",
        " total|530KB|",
        "",
        "",
        "rf in 'x'|x|a|y|",
        "---------|-|-|-|",
        "     size|1|3|3|",
        "   stride|1|2|2|",
        "   offset|1|2|2|",
        "",
        "",
    ]


def test_what_is_printed_and_what_is_returned(capsys: pytest.CaptureFixture[str]) -> None:
    shown = net().print()
    assert capsys.readouterr().out == shown
    assert net().print(nargout=0) is None
    assert capsys.readouterr().out == shown
    assert text() == shown
    assert capsys.readouterr().out == ""


def test_what_is_shown_is_chosen() -> None:
    assert text().count("func") == 1
    assert "var|" not in text()
    assert "param|" not in text()
    assert "   var|  x|             a|             y|" in text("all", True)
    assert "  dims|n/a|NaNxNaNx40xNaN|NaNxNaNx40xNaN|" in text("all", True)
    assert "NaN" in text("All", True)
    assert "rf in 'x'" in text("all", True)
    assert text(layers=[], memory=False, variables=[]) == ""
    assert text(layers="relu", memory=False, variables=()).startswith("   func|relu|\n")
    assert text(layers=[1], memory=False, variables=()).startswith("   func|relu|\n")
    assert text(layers=["relu", "conv_1"], memory=False, variables=()).startswith("   func|relu| conv_1|\n")


def test_long_tables_are_broken() -> None:
    lines = text("maxNumColumns", 1, "variables", [], "memory", False).splitlines()
    assert [line for line in lines if "func" in line] == ["   func| conv_1|", "   func|relu|"]


def test_csv_and_latex() -> None:
    assert text("format", "csv", "variables", [], "memory", False).splitlines()[:2] == [
        '   "func", "conv_1","relu",',
        '   "type",   "Conv","ReLU",',
    ]
    lines = text("format", "latex", "variables", [], "memory", False).splitlines()
    assert lines[:4] == [r"\begin{tabular}{ccc}", r"   func&conv\char`_1&relu\\", r"\hline", r"   type&   Conv&ReLU\\"]
    assert lines[9] == r"\end{tabular}"


def test_dot() -> None:
    shown = text({"x": [8, 9, 1]}, "Format", "dot")
    assert shown.startswith('digraph DagNN {\n\tfontsize=12\n\tvar_x [label="{{x} | {8x9x1x1 | 288B }}" shape=record ')
    for line in (
        "var_x->conv_1 [weight=10]",
        "conv_1->var_a [weight=10]",
        "par_f->conv_1 [weight=1]",
        "relu->var_y [w",
    ):
        assert f"\n\t{line}" in shown
    assert 'conv_1 [label="{ conv_1 | dagnn.Conv }" shape=record style="bold,filled"' in shown
    assert shown.endswith("}\n")
    odd = DagNN()
    odd.addLayer("a-b", dagnn.ReLU(), "x.1", 'y"{|}')
    graph = odd.print(format="dot", nargout=1)
    assert graph is not None
    assert '"var_x.1"->"a-b" [weight=10]' in graph
    assert r'"var_y\"{|}" [label="{{y\"\{\|\}} |' in graph


def test_figures(tmp_path: Path) -> None:
    figure = tmp_path / "net.svg"
    if shutil.which("dot") is None:
        with pytest.raises(MatConvNetError, match="Graphviz's program dot was not found"):
            net().print(format="dot", figurePath=str(figure), nargout=1)
    else:
        net().print(format="dot", figurePath=str(figure), dotArgs="-Gsize=7", nargout=1)
        assert figure.stat().st_size > 0
    assert figure.with_suffix(".dot").read_text(encoding="utf-8").startswith("digraph DagNN {")


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"format": "digraph"}, "Uknown format digraph. print knows ascii, latex, csv, dot."),
        ({"colour": 1}, "Unknown parameter 'colour'."),
        ({"nargout": 2}, "Too many output arguments."),
    ],
)
def test_refusals(options: dict[str, object], sentence: str) -> None:
    with pytest.raises(MatConvNetError) as caught:
        net().print(**options)  # type: ignore[arg-type]
    assert str(caught.value).startswith(sentence)


def test_networks_without_values_or_layers() -> None:
    empty = net()
    for param in empty.params:
        param.value = None
    shown = empty.print(parameters="*", nargout=1)
    assert shown is not None
    assert "  dims| 0| 0|" in shown
    assert DagNN().print(nargout=1) is not None
    big = residual()
    big.getParam("f").value = np.zeros((1, 1, 2, 2))
    assert "1x1x2x2" in str(big.print("all", True, nargout=1))
