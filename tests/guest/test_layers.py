"""Who may know whom: imports point downward, and the engine knows no guest."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "jitvm"
LAYERS = ("guest", "engine", "guests", "profiling", "dashboard", "window", "terminal", "cli")
FILES = {
    layer: sorted((PACKAGE / layer).rglob("*.py")) for layer in LAYERS if (PACKAGE / layer).is_dir()
}


def imported(file: Path) -> set[str]:
    """Full names of all modules a file imports, wherever in it."""
    package = ["jitvm", *file.relative_to(PACKAGE).parts[:-1]]
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parent = package[: len(package) - node.level + 1] if node.level else []
            start = ".".join([*parent, *filter(None, [node.module])])
            names.update(f"{start}.{alias.name}" for alias in node.names)
    return names


@pytest.mark.parametrize("layer", FILES)
def test_imports_point_downward(layer: str) -> None:
    above = LAYERS[LAYERS.index(layer) + 1 :]
    wrong = [
        f"{file.relative_to(PACKAGE)} imports {name}"
        for file in FILES[layer]
        for name in imported(file)
        if name.startswith("jitvm.") and name.split(".")[1] in above
    ]
    assert not wrong


def test_the_walk_sees_imports() -> None:
    assert "jitvm.guest.Guest" in imported(PACKAGE / "engine" / "interpreter" / "cores.py")


@pytest.mark.parametrize("layer", ["guest", "engine"])
def test_guest_and_engine_name_no_guest(layer: str) -> None:
    # Examples in prose may: a comparison with Uxn explains a rule. Code may not.
    for file in FILES[layer]:
        code = _without_prose(file.read_text(encoding="utf-8"))
        found = re.search(r"uxn|varvara|\b(wst|rst)\b", code, re.IGNORECASE)
        assert found is None, f"{file.relative_to(PACKAGE)} names {found[0] if found else ''}"


def _without_prose(source: str) -> str:
    """Source without comments and docstrings."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            node.body = [  # type: ignore[attr-defined]
                each for each in body if not _is_text(each)
            ] or [ast.Pass()]
    return ast.unparse(tree)


def _is_text(statement: ast.stmt) -> bool:
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )


def test_llvm_is_behind_one_wall() -> None:
    importers = {
        str(file.relative_to(PACKAGE))
        for files in FILES.values()
        for file in files
        if any(name.split(".")[0] == "llvmlite" for name in imported(file))
    }
    assert importers == {
        "engine/codegen/llvm.py",
        # Intrinsics of numba speak llvmlite's types; what comes of them goes through native.py.
        "guests/uxn/varvara/native/typed.py",
    }


WITHOUT_LLVM = """
import sys

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("llvmlite", "numba", "numpy"):
            raise ImportError(f"{name} is blocked")

sys.meta_path.insert(0, Blocker())
from jitvm.engine.machine.machine import Machine, Tier
from jitvm.guests.uxn import UXN

machine = Machine(UXN, tier=Tier.REFERENCE)
# LIT 48 LIT 18 DEO BRK
machine.memory[0x100:0x106] = bytes([0x80, 0x48, 0x80, 0x18, 0x17, 0x00])
machine.on_write(0x18, lambda byte: print(chr(byte)))
print(machine.run(0x100).name, "llvmlite" in sys.modules)
try:
    import llvmlite
except ImportError:
    print("blocked")
"""


def test_reference_tier_needs_no_llvm() -> None:
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_LLVM], cwd=PACKAGE.parent,
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.split() == ["H", "HALT", "False", "blocked"]
