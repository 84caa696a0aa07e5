"""Who may know whom: imports point downward, and the engine knows no guest."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "jitvm"
LAYERS = (
    "guest",
    "engine",
    "platform",
    "testing",
    "guests",
    "profiling",
    "coverage",
    "debugger",
    "dashboard",
    "playing",
    "window",
    "terminal",
    "lsp",
    "cli",
)
ROOMS = (
    "tables", "host", "memory", "ir", "codegen", "interpreter", "region", "jit", "machine",
)  # fmt: skip
"""Rooms of the engine; each may know those before it."""
MOST_FLOORS = 8
"""Rooms that may stand upon each other."""
WALLS = ("jitvm.engine.machine.inspect", "jitvm.engine.machine.explain")
"""What of the engine its tools may know, besides the tables."""
FILES = {
    layer: sorted((PACKAGE / layer).rglob("*.py")) for layer in LAYERS if (PACKAGE / layer).is_dir()
}


def imported(file: Path, *, for_types: bool = True) -> set[str]:
    """Full names of all modules a file imports, wherever in it; or only what it runs with."""
    package = ["jitvm", *file.relative_to(PACKAGE).parts[:-1]]
    names: set[str] = set()
    tree = ast.parse(file.read_text(encoding="utf-8"))
    if not for_types:
        tree = _WithoutTypes().visit(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parent = package[: len(package) - node.level + 1] if node.level else []
            start = ".".join([*parent, *filter(None, [node.module])])
            names.update(f"{start}.{alias.name}" for alias in node.names)
    return names


class _WithoutTypes(ast.NodeTransformer):
    """Takes out what only type checkers see."""

    def visit_If(self, node: ast.If) -> ast.AST:
        is_for_types = isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
        return ast.Pass() if is_for_types else self.generic_visit(node)


def name_of(file: Path) -> str:
    """The full name of the module a file is."""
    parts = ["jitvm", *file.relative_to(PACKAGE).with_suffix("").parts]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {name_of(file): file for file in sorted(PACKAGE.rglob("*.py"))}


def arrows(module: str, *, for_types: bool = True) -> set[str]:
    """Modules of jitvm that one imports, wherever in it: also lazily, or for type checkers only."""
    found = set()
    for name in imported(MODULES[module], for_types=for_types):
        while name and name not in MODULES:
            name = name.rpartition(".")[0]
        found.add(name)
    return found - {"", module}


HOUSE = {module: arrows(module) for module in MODULES}
RUNNING = {module: arrows(module, for_types=False) for module in MODULES}
"""Without what only type checkers see."""
FOR_TYPES = (
    # Rules build in the graph that applies them.
    {"jitvm.engine.ir.graph", "jitvm.engine.ir.rules"},
    # A platform makes computers; a computer has a program; a program has a platform.
    {"jitvm.platform", "jitvm.platform.computer"},
    # Frames are run by an evaluator; what computers share with it includes their frames.
    {"jitvm.platform.evaluator", "jitvm.platform.frames"},
)
"""The circles that only type checkers see. Breaking these would take a second declaration of the
same methods, or one more module at every start."""


def circles(house: Mapping[str, set[str]]) -> list[set[str]]:
    """Groups of those that can all be reached from each other."""
    reached: dict[str, set[str]] = {}
    for module in house:
        seen, todo = set[str](), [module]
        while todo:
            new = house[todo.pop()] - seen
            seen |= new
            todo += new
        reached[module] = seen
    groups = {
        frozenset(other for other in reached[module] if module in reached[other])
        for module in house
        if module in reached[module]
    }
    return sorted(map(set, groups), key=sorted)


def floors(house: Mapping[str, set[str]]) -> int:
    """How many stand upon each other at most; there are no circles."""

    def floor(one: str) -> int:
        return 1 + max(map(floor, house[one]), default=0)

    return max(map(floor, house))


def room(module: str) -> str:
    """The room of the engine that a module is in; empty for other modules."""
    names = module.split(".")
    return names[2] if names[:2] == ["jitvm", "engine"] and len(names) > 2 else ""


ENGINE = {
    one: {room(to) for from_ in HOUSE if room(from_) == one for to in HOUSE[from_]} - {"", one}
    for one in ROOMS
}


def test_files_of_the_engine_are_in_rooms() -> None:
    inside = {room(module) for module in MODULES if module.startswith("jitvm.engine.")}
    assert inside == set(ROOMS)


@pytest.mark.parametrize("module", [module for module in MODULES if room(module)])
def test_rooms_know_those_before_them(module: str) -> None:
    above = ROOMS[ROOMS.index(room(module)) + 1 :]
    assert not [to for to in HOUSE[module] if room(to) in above or to == "jitvm"]


def test_few_rooms_stand_upon_each_other() -> None:
    assert floors(ENGINE) <= MOST_FLOORS


def test_no_files_know_each_other_in_a_circle() -> None:
    assert not circles(RUNNING)


def test_few_files_know_each_other_in_a_circle_for_types() -> None:
    assert circles(HOUSE) == list(FOR_TYPES)


def test_circles_are_found() -> None:
    house = {"a": {"b"}, "b": {"c"}, "c": {"b", "d"}, "d": {"d"}, "e": {"a", "d"}}
    assert circles(house) == [{"b", "c"}, {"d"}]
    assert floors({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == 3
    assert "jitvm.engine.jit.jit" in HOUSE["jitvm.engine.machine.native"], "a lazy import"
    assert "jitvm.engine.memory.block" in HOUSE["jitvm.engine.jit.jit"], "one for type checkers"


TOOLS = [file for layer in ("profiling", "dashboard") for file in FILES[layer]]


@pytest.mark.parametrize("file", TOOLS, ids=name_of)
def test_tools_look_at_machines_through_one_wall(file: Path) -> None:
    for to in HOUSE[name_of(file)]:
        assert not room(to) or to in WALLS or room(to) == "tables", f"imports {to}"
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute):
            assert not _is_behind_the_wall(node), f"line {node.lineno}: {ast.unparse(node)}"


def _is_behind_the_wall(node: ast.Attribute) -> bool:
    """Whether it is something of a machine's that tools have no business with, or private."""
    owner = node.value
    of_machine = isinstance(owner, ast.Name | ast.Attribute) and (
        "machine" in (owner.id if isinstance(owner, ast.Name) else owner.attr)
    )
    if of_machine and node.attr in ("jit", "native", "block", "layout"):
        return True
    is_own = isinstance(owner, ast.Name) and owner.id in ("self", "cls")
    is_private = node.attr.startswith("_") and not node.attr.endswith("_")  # ctypes: _fields_
    return is_private and not is_own


@pytest.mark.parametrize(
    ("code", "behind"),
    [
        ("machine.jit", True), ("self._machine.block", True), ("run.machine.layout", True),
        ("look._jit", True), ("self._kept", False), ("collector.native", False),
        ("machine.counting", False), ("type(event).__name__", False),
    ],
)  # fmt: skip
def test_the_wall_is_seen(code: str, behind: bool) -> None:
    node = ast.parse(code, mode="eval").body
    assert isinstance(node, ast.Attribute)
    assert _is_behind_the_wall(node) is behind


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


@pytest.mark.parametrize("layer", LAYERS[LAYERS.index("guests") + 1 :])
def test_what_shows_and_runs_programs_imports_no_guest(layer: str) -> None:
    # They know platforms only: `jitvm.platform.registry` finds these by name.
    wrong = [
        f"{file.relative_to(PACKAGE)} imports {name}"
        for file in FILES[layer]
        for name in imported(file)
        if name.startswith("jitvm.guests")
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


NO_LIMITS = {
    "ir/ops.py MODULAR", "ir/verify.py SIZES",  # words
    "ir/stacks.py FEW", "ir/stacks.py NARROW",  # bytes of words and stacks
    "ir/passes/counted.py SPARE",  # what makes sums of rounds right
    "region/core.py REGISTER_FILE",  # what a register file is
    "region/window.py PC", "jit/codetable.py MOST",  # widths in the block
    "jit/image.py FORM", "jit/kept.py FORMAT", "jit/kept.py MOST",  # a file's
    "jit/thread.py LAST_JOB",  # patience of the process
}  # fmt: skip
"""Numbers with a name in the rooms of the JIT that are nothing to choose."""


def test_limits_of_the_jit_are_rows_of_the_table() -> None:
    found = {
        f"{file.relative_to(PACKAGE / 'engine')} {target.id}"
        for one in ("ir", "region", "jit")
        for file in (PACKAGE / "engine" / one).rglob("*.py")
        for node in ast.parse(file.read_text(encoding="utf-8")).body
        if isinstance(node, ast.Assign) and _is_number(node.value)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    assert found == NO_LIMITS


def _is_number(value: ast.expr) -> bool:
    """Whether an expression is a number, a shift of some, or a tuple of them."""
    match value:
        case ast.Constant(value=int() | float() as number):
            return not isinstance(number, bool)
        case ast.BinOp(left=left, right=right):
            return _is_number(left) and _is_number(right)
        case ast.Tuple(elts=[_, *_] as parts):
            return all(map(_is_number, parts))
    return False


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


def test_what_is_cached_is_one_for_all_threads_and_has_no_lock_that_a_fork_leaves_held() -> None:
    """`functools.cached_property` has a lock up to Python 3.11: the child of a process that was
    forked while the compile thread was in it would wait for ever. Behind that it has none, and
    threads that ask for the first time get things of their own: two frame loops of one computer."""
    files = PACKAGE.rglob("*.py")
    pattern = re.compile(r"from functools import .*\bcached_property\b")
    users = {file.name for file in files if pattern.search(file.read_text(encoding="utf-8"))}
    assert users == {"light.py"}  # for type checkers
