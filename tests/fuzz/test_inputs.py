"""Some mutated inputs for each parser, the same ones every time, and the machinery itself."""

from __future__ import annotations

import importlib.util
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fuzz.inputs.mutate import mutate
from tests.fuzz.inputs.targets import TARGETS
from tests.fuzz.inputs.targets.target import Target
from tests.fuzz.inputs.worker import PARSERS, check

RUNS = {
    "rom": 20,
    "chip8": 20,
    "listing": 40,
    "keys": 20,
    "script": 20,
    "session": 60,
    "source": 40,
    "legacy": 40,
    "schema": 40,
    "messages": 40,
    "stream": 40,
}
"""Those that start machines or follow what they read take milliseconds for each."""


@pytest.mark.parametrize("name", TARGETS)
def test_mutated_inputs_raise_what_is_documented(name: str, tmp_path: Path) -> None:
    rng = random.Random(7)
    for _ in range(RUNS.get(name, 120)):
        check(TARGETS[name], mutate(rng, TARGETS[name]), tmp_path)


@pytest.mark.parametrize("name", TARGETS)
def test_seeds_are_taken(name: str, tmp_path: Path) -> None:
    seeds = TARGETS[name].seeds()
    assert seeds
    for seed in seeds:
        assert check(TARGETS[name], seed, tmp_path), seed


@pytest.mark.parametrize("name", TARGETS)
def test_some_mutated_inputs_are_taken(name: str, tmp_path: Path) -> None:
    """Mutation reaches what lies behind the first checks."""
    rng = random.Random(2)
    tries = (check(TARGETS[name], mutate(rng, TARGETS[name]), tmp_path) for _ in range(400))
    assert any(tries)


def test_mutation_repeats() -> None:
    first, second = (
        [mutate(random.Random(number), TARGETS["session"]) for number in range(50)]
        for _ in range(2)
    )
    assert first == second
    assert len(set(first)) > 40


@pytest.mark.parametrize("depth", [100, 700, 5000])
def test_what_is_nested_deep_is_mutated(depth: int) -> None:
    data = b"[" * depth + b"]" * depth
    assert all(mutate(random.Random(number), TARGETS["session"], data) for number in range(20))


@pytest.mark.parametrize("name", PARSERS)
def test_what_is_observed_exists(name: str) -> None:
    assert importlib.util.find_spec(name)


# -- what is wrong is told -----------------------------------------------------------------------


def _leaves(data: bytes, folder: Path) -> None:
    (folder / "more").write_bytes(data)


def _fails(_data: bytes, _folder: Path) -> None:
    raise KeyError("not documented")


def test_files_beside_the_input_are_wrong(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match=r"left behind: ."):
        check(Target(lambda: (b"",), _leaves), b"", tmp_path)


def test_exceptions_that_are_not_documented_are_wrong(tmp_path: Path) -> None:
    with pytest.raises(KeyError):
        check(Target(lambda: (b"",), _fails, (ValueError,)), b"", tmp_path)


WRONG = """
import resource, signal, sys
from pathlib import Path
from tests.fuzz.inputs import worker
from tests.fuzz.inputs.targets.target import Target

def endless(data, folder):
    while True:
        pass

def large(data, folder):
    bytearray(worker.LIMIT)

if sys.argv[1] == "endless":
    worker.SECONDS = 0.05
worker.limit()
trial = worker.Trial(Target(lambda: (b"",), globals()[sys.argv[1]]), 1, Path(sys.argv[2]))
trial(b"the input")
"""


@pytest.mark.parametrize(("what", "told"), [("endless", "Hangs"), ("large", "MemoryError")])
def test_hangs_and_memory_are_wrong(what: str, told: str, tmp_path: Path) -> None:
    command = [sys.executable, "-c", WRONG, what, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert told in done.stderr
    assert (tmp_path / "input").read_bytes() == b"the input"


@pytest.mark.parametrize("guide", ["atheris", "none"])
def test_the_command_tries_as_many_as_it_is_told(guide: str, tmp_path: Path) -> None:
    if guide == "atheris":
        pytest.importorskip("atheris", reason="of the extra `fuzz`")
    command = [sys.executable, "-m", "tests.fuzz.inputs", "--target=parameters", "--runs=50"]
    done = subprocess.run(
        [*command, *["--unguided"] * (guide == "none")], cwd=tmp_path, text=True, check=False,
        capture_output=True, env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    assert done.stdout.splitlines()[-1].startswith("50 inputs, 0 failures")
    assert not [*tmp_path.iterdir()]
