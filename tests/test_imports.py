"""Imports go one way, heavy libraries are loaded late, and `import sfnbook` is quick.

Imports for type checkers alone (``if TYPE_CHECKING:``) may point anywhere: nothing runs.
"""

from __future__ import annotations

import ast
import os
import statistics
import subprocess
import sys
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "sfnbook"

ROWS = (
    "errors values clock chance limits definition notebook observed prices tables",
    "tolerance query parse positions yamltext source listing files recordings",
    "tasks validation items program",
    "frames timers growing retry scene polling family failing faults working nested stepfunctions distributed fanout decide",
    "history explain why transition recalled setting timeline outside tokens redriving runs activities execution",
    "drawing teststate machine",
    "debugging sessions debugger",
    "replaying comparing retrylab triggers",
    "widgets",
    ". course arguments lab doctor export cli __main__",
)
LAYERS = [layer for row in ROWS for layer in row.split()]
"""Modules and packages from the bottom to the top; "." is `sfnbook` itself, the public names.

A module imports from those before it.  Inside a package imports run in no circle.
"""

LATE_OWN = {
    "tokens": {"widgets.approval"},
    "distributed": {"items.batcher", "items.reader", "items.writer"},
    "machine": {
        "drawing.graph",
        "items.samples",
        "items.store",
        "drawing.layout",
        "drawing.plots",
        "drawing.svg",
        "tasks.samples",
        "teststate",
    },
    "setting": {"recalled", "tasks.samples"},
    "tasks.answers": {"tasks.samples"},
    "tasks.compiling": {"tasks.samples"},
    "debugging.looking": {"drawing.gantt_drawing", "drawing.layout", "drawing.plots", "drawing.svg"},
    "debugger": {"replaying", "sessions.isolating", "sessions.trying", "widgets.debugger"},
    "sessions.keeping": {
        ".",
        "sessions.page",
        "sessions.redacted",
        "sessions.regression",
        "sessions.resuming",
        "sessions.session",
        "tasks.mockwriter",
    },
    "retrylab.lab": {"widgets.retrylab"},
    "cli": {"doctor", "export", "lab", "drawing.plots"},
    "tasks.services": {"tasks.services.backend"},
}
"""Modules of the package that are imported inside a function, because few sessions need them; these
alone may point upward: an object displays itself by what stands above it."""

HEAVY = {
    "IPython", "anywidget", "boto3", "botocore", "ipywidgets", "jsonata", "jsonpath_ng", "matplotlib",
    "moto", "networkx", "numpy", "pyarrow", "traitlets", "yaml",
}  # fmt: skip
LATE = HEAVY | {
    "compression", "dask", "inspect", "jupyterlab", "nbconvert", "nbformat", "requests", "rich", "zstandard",
}  # fmt: skip
"""Foreign modules that may be imported inside a function: heavy, optional, or slow to load."""


class Import(NamedTuple):
    """One import: of the module ``name`` of this package (``own``), or of a foreign package."""

    importer: str
    name: str
    own: bool
    late: bool
    line: int


@cache
def modules() -> dict[str, Path]:
    """The modules of the package by name, as "query.paths"; the package itself is "."."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        found[".".join(part for part in parts if part != "__init__") or "."] = path
    return found


@cache
def imports() -> tuple[Import, ...]:
    found: list[Import] = []
    for name, path in modules().items():
        found += _imports(name, ast.parse(path.read_text(encoding="utf-8")), late=False)
    return tuple(found)


def _imports(importer: str, node: ast.AST, *, late: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            for other in child.orelse:
                yield from _imports(importer, other, late=late)
            continue
        for name in _names(child):
            own = name.partition(".")[0] == "sfnbook"
            known = _module(name) if own else name.partition(".")[0]
            yield Import(importer, known, own, late, child.lineno)  # type: ignore[attr-defined]
        inside = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        yield from _imports(importer, child, late=late or inside)


def _names(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        assert node.level == 0, "imports are absolute"
        return [f"{node.module}.{alias.name}" for alias in node.names]
    return []


def _module(name: str) -> str:
    """The module behind ``sfnbook.query.paths.read``: the longest part that is one."""
    parts = name.split(".")[1:]
    while parts and ".".join(parts) not in modules():
        parts.pop()
    return ".".join(parts) or "."


def _steady() -> list[Import]:
    """The package's own imports without the late ones that are named above."""
    return [
        one for one in imports() if one.own and not (one.late and one.name in LATE_OWN.get(one.importer, ()))
    ]


def _layer(module: str) -> str:
    return module if module == "." else module.partition(".")[0]


# --- the direction --------------------------------------------------------------------------------
def test_every_module_has_a_layer() -> None:
    assert {_layer(module) for module in modules()} <= set(LAYERS), "add the new module to LAYERS"


def test_imports_go_one_way() -> None:
    height = {layer: number for number, layer in enumerate(LAYERS)}
    upward = [
        f"{one.importer}, line {one.line}: {one.name}"
        for one in _steady()
        if _layer(one.importer) != _layer(one.name)
        and height[_layer(one.name)] > height[_layer(one.importer)]
    ]
    assert upward == []


def test_imports_run_in_no_circle() -> None:
    graph: dict[str, set[str]] = {module: set() for module in modules()}
    for one in _steady():
        if one.importer != one.name:
            graph[one.importer].add(one.name)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as circle:
        pytest.fail(" -> ".join(circle.args[1]))


def test_late_imports_are_named_here() -> None:
    unnamed = [
        f"{one.importer}, line {one.line}: {one.name}"
        for one in imports()
        if one.late and one.name not in (LATE_OWN.get(one.importer, ()) if one.own else LATE)
    ]
    assert unnamed == []


def test_late_imports_that_are_named_are_there() -> None:
    there = {(one.importer, one.name) for one in imports() if one.own and one.late}
    assert {(importer, name) for importer, names in LATE_OWN.items() for name in names} <= there


def test_heavy_libraries_are_imported_late() -> None:
    early = [
        f"{one.importer}, line {one.line}: {one.name}"
        for one in imports()
        if one.name in HEAVY and not one.own and not one.late and _layer(one.importer) != "widgets"
    ]
    assert early == []


# --- what is loaded -------------------------------------------------------------------------------
@pytest.mark.parametrize("module", ["sfnbook", "sfnbook.cli"])
def test_importing_loads_nothing_heavy(module: str) -> None:
    code = f"import sys, {module}; print(*sorted({HEAVY!r} & set(sys.modules)))"
    assert _python(code).strip() == ""


def _python(code: str, **environment: str) -> str:
    """What a fresh process prints that sees this tree."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    return subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    ).stdout


@pytest.mark.benchmark
def test_import_time(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """From bytecode, as at every start but the first."""
    timed = "import time; begin = time.perf_counter(); import {}; print(time.perf_counter() - begin)"
    bytecode = {"PYTHONPYCACHEPREFIX": str(tmp_path), "PYTHONDONTWRITEBYTECODE": ""}
    for module in ("sfnbook", "sfnbook.cli"):
        _, *times = [float(_python(timed.format(module), **bytecode)) for _ in range(10)]
        figure = f"{statistics.median(times):.3f} s, median of 9 (bar: 0.1 s for sfnbook)"
        with capsys.disabled():
            print(f"\nimport {module}: {figure}")  # noqa: T201
