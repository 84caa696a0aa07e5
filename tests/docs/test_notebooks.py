"""Example notebooks: their code runs, and they show a plot."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest

from tests.docs.pages import ROOT, run_block

EXAMPLES = ROOT / "examples"
NOTEBOOKS = sorted(EXAMPLES.glob("*.ipynb"))


def code_cells(path: Path) -> list[tuple[str, list[Any]]]:
    """Source and outputs of each."""
    cells = json.loads(path.read_text("utf-8"))["cells"]
    return [
        ("".join(cell["source"]), cell["outputs"]) for cell in cells if cell["cell_type"] == "code"
    ]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_cells_run(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(EXAMPLES)
    monkeypatch.setenv("MPLBACKEND", "agg")
    names: dict[str, object] = {}
    ran = 0
    for number, (source, _) in enumerate(code_cells(path)):
        if "matplotlib" in source and importlib.util.find_spec("matplotlib") is None:
            continue  # plots are for people
        for _ in run_block(source, f"{path.name}, cell {number}", names):
            pass
        ran += 1
    assert ran > 3


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_show_a_plot_and_nothing_of_a_machine(path: Path) -> None:
    outputs = [output for _, shown in code_cells(path) for output in shown]
    assert any("image/png" in output.get("data", {}) for output in outputs)
    assert "/home/" not in path.read_text("utf-8")
