"""The order of the house, read from its imports: a call walks down, nothing walks back up."""

from __future__ import annotations

import ast
import importlib.util
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "vlnn"

ROOT_NAME = "(vlnn)"  # vlnn/__init__.py, which gives out the public names
# From the top down; what stands in one line may import each other.
ORDER = [
    {"__main__"},
    {"cli"},
    {"demo", "convert", "doctor"},
    {ROOT_NAME},
    {"networks", "training", "preprocessing", "summary", "inference"},
    {"simplenn", "dagnn"},
    {"blocks", "toolbox"},
    {"engines"},
    {"matlab"},
    {"geometry", "settings", "errors"},
]
HEAVY = {"PIL", "cuda", "cudnn", "cupy", "h5py", "matplotlib", "mpi4py", "onnx", "onnxruntime", "safetensors", "torch"}
# Where state is kept: the settings of a session, the pool of threads of a process, cuDNN's handles of a thread.
STATE = {"vlnn.settings", "vlnn.engines.cpu.threads", "vlnn.engines.cudnn.sessions"}


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): ast.parse(path.read_text(encoding="utf-8")) for path in sorted(PACKAGE.rglob("*.py"))}


def imports(module: str) -> Iterator[str]:
    """The modules of vlnn, and the packages of others, that a module imports."""
    for node in ast.walk(MODULES[module]):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} has a relative import"
            assert node.module is not None
            for alias in node.names:
                submodule = f"{node.module}.{alias.name}"
                yield submodule if submodule in MODULES else node.module


def layer(module: str) -> int:
    part = module.split(".")[1] if "." in module else ROOT_NAME
    return next(i for i, parts in enumerate(ORDER) if part in parts)


def of_vlnn(module: str) -> set[str]:
    return {name for name in imports(module) if name.partition(".")[0] == "vlnn"}


@pytest.mark.parametrize("module", MODULES)
def test_every_module_has_its_place(module: str) -> None:
    parts = {part for parts in ORDER for part in parts}
    assert module == "vlnn" or module.split(".")[1] in parts


@pytest.mark.parametrize("module", MODULES)
def test_imports_go_down(module: str) -> None:
    up = {name for name in of_vlnn(module) if layer(name) < layer(module)}
    assert not up


@pytest.mark.parametrize("module", [module for module in MODULES if module.startswith("vlnn.engines")])
def test_engines_know_of_matlab_only_its_arrays(module: str) -> None:
    assert {name for name in of_vlnn(module) if name.startswith("vlnn.matlab")} <= {"vlnn.matlab.arrays"}


def test_geometry_and_settings_know_no_array_library() -> None:
    for module in ("vlnn.geometry", "vlnn.settings", "vlnn.errors"):
        assert not {name.partition(".")[0] for name in imports(module)} & (HEAVY | {"numpy", "scipy"})


def test_no_circles() -> None:
    left = {module: of_vlnn(module) - {module} for module in MODULES}
    while leaves := [module for module, needs in left.items() if not needs & left.keys()]:
        for module in leaves:
            del left[module]
    assert not left


def test_every_import_of_vlnn_exists() -> None:
    assert {name for module in MODULES for name in of_vlnn(module)} <= MODULES.keys()


def test_importing_vlnn_imports_nothing_heavy() -> None:
    loaded = fresh_process("import sys, vlnn; print(*sorted({name.partition('.')[0] for name in sys.modules}))")
    assert "numpy" in loaded.split()
    assert not set(loaded.split()) & (HEAVY | {"click"})


def test_every_public_name_is_there() -> None:
    names = fresh_process("import vlnn; print(*[name for name in vlnn.__all__ if hasattr(vlnn, name)])").split()
    public = ast.literal_eval(
        next(
            node.value
            for node in MODULES["vlnn"].body
            if isinstance(node, ast.Assign)
            and isinstance(node.targets[0], ast.Name)
            and node.targets[0].id == "__all__"
        )
    )
    assert names == public == sorted(public)
    assert {"MatConvNetError", "clear_mex", "settings", "vl_nnconv", "vl_nnconvt"} <= set(public)


@pytest.mark.parametrize("module", [module for module in MODULES if module not in STATE])
def test_state_lives_in_settings(module: str) -> None:
    statements = [node for node in ast.walk(MODULES[module]) if isinstance(node, ast.Global)]
    assert not statements
    for node in MODULES[module].body:  # an empty container at the top of a module is there to be filled
        value = node.value if isinstance(node, (ast.Assign, ast.AnnAssign)) else None
        assert not (isinstance(value, (ast.List, ast.Dict)) and not ast.unparse(value).strip("[]{}"))
        assert not (isinstance(value, ast.Call) and ast.unparse(value) in ("set()", "dict()", "list()"))


def test_the_wheel_holds_vlnn_alone(tmp_path: Path) -> None:
    if importlib.util.find_spec("hatchling") is None:
        tomllib = pytest.importorskip("tomllib")
        hatch = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["hatch"]["build"]
        assert hatch["targets"]["wheel"] == {"packages": ["vlnn"]}
        assert hatch["dev-mode-exact"] is True
        return
    pip = [sys.executable, "-m", "pip", "wheel", str(ROOT), "--no-deps", "--no-build-isolation", "--quiet"]
    subprocess.run([*pip, "--wheel-dir", str(tmp_path)], check=True, timeout=120)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as contents:
        names = contents.namelist()
    top = {name.partition("/")[0] for name in names}
    assert {name for name in top if not re.fullmatch(r"vlnn-.*\.dist-info", name)} == {"vlnn"}
    assert {"vlnn/__init__.py", "vlnn/py.typed", "vlnn/engines/cuda/kernels/prelude.cu"} <= set(names)
    assert {module_name(ROOT / name) for name in names if name.endswith(".py")} == MODULES.keys()


def fresh_process(program: str) -> str:
    process = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    return process.stdout.strip()
