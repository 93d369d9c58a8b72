"""The notebook of the retry lab where dask is installed, and where it is not."""

import json
import sys
from pathlib import Path

import pytest

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "05-retry-lab.ipynb"
NEEDED = ("import sfnbook", "payment = ", "service = {", "try:\n    from dask", "if spread is not None")


def run():
    """Run the cells about dask and those that they need; the names that are left."""
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    chosen = [one for one in code if one.startswith(NEEDED)]
    assert len(chosen) == len(NEEDED)
    names = {}
    for one in chosen:
        exec(compile(one, NOTEBOOK.name, "exec"), names)
    return names


def test_without_dask_it_says_how_to_get_it(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "dask.distributed", None)
    assert run()["spread"] is None
    assert "pip install 'sfnbook[scale]'" in capsys.readouterr().out


# Its loop and sockets are left to the garbage collector.
@pytest.mark.filterwarnings("default::ResourceWarning", "default::DeprecationWarning")
def test_with_dask_the_result_is_the_same():
    pytest.importorskip("dask.distributed", reason="dask is not installed")
    names = run()
    assert names["spread"].runs == names["alone"].runs == 2_000
