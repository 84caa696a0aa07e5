"""Sources in files: what they include, how they are encoded, and where files may lie."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from jitvm.guests.uxn.assembler import (
    AssemblyError,
    Diagnostic,
    Problem,
    assemble,
    assemble_file,
)
from jitvm.guests.uxn.assembler.limits import (
    MAX_INCLUDE_DEPTH,
)
from jitvm.platform.widetext import wide_encoding
from tests.uxn.test_assembler import only_problem


def write(folder: Path, **sources: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in sources.items():
        (folder / f"{name}.tal").write_text(text)


def file_problem(path: Path, **options: Path) -> Diagnostic:
    with pytest.raises(AssemblyError) as caught:
        assemble_file(path, include_root=options.get("include_root"))
    assert len(caught.value.diagnostics) == 1, str(caught.value)
    return caught.value.diagnostics[0]


def test_includes_are_relative_to_the_including_file(tmp_path: Path) -> None:
    write(tmp_path, main="01 ~lib/one.tal 04")
    write(tmp_path / "lib", one="02 ~two.tal", two="03\n&x ;&x")
    assembly = assemble_file(tmp_path / "main.tal")
    assert assembly.rom.hex() == "010203a0010304"
    span = assembly.source_map.lookup(0x103)
    assert span is not None
    assert (Path(span.file).name, span.line) == ("two.tal", 2)


def test_includes_fall_back_to_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, lib="02")
    write(tmp_path / "src", main="01 ~lib.tal")
    monkeypatch.chdir(tmp_path)
    assert assemble_file("src/main.tal").rom == b"\x01\x02"
    assert assemble("01 ~lib.tal").rom == b"\x01\x02"


PROJECT = {
    "the project's root": ("src/x.tal", "src", ["src/x.tal", "x.tal"]),
    "a file of a deeper folder": ("src/deep/y.tal", "src", ["src/deep/y.tal", "deep/y.tal"]),
    "a deep source": ("a/b/c/x.tal", "a/b/c", ["a/b/c/x.tal", "b/c/x.tal", "c/x.tal", "x.tal"]),
}


@pytest.mark.parametrize("place", [".", "project", "project/src", "elsewhere"])
@pytest.mark.parametrize(("file", "folder", "names"), PROJECT.values(), ids=PROJECT)
def test_includes_of_a_project_are_found_from_anywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    place: str, file: str, folder: str, names: list[str],
) -> None:  # fmt: skip
    project = tmp_path / "project"
    for each in (tmp_path / "elsewhere", project / "src", (project / file).parent):
        each.mkdir(parents=True, exist_ok=True)
    (project / file).write_text("02")
    monkeypatch.chdir(tmp_path / place)
    top = Path(os.path.relpath(project / folder / "main.tal"))
    for path in (top, top.absolute()):
        for name in names:
            path.write_text(f"01 ~{name}")
            assert assemble_file(path).rom == b"\x01\x02"


def test_included_files_find_what_lies_beside_the_top_source(tmp_path: Path) -> None:
    write(tmp_path, main="01 ~lib/one.tal", two="03")
    write(tmp_path / "lib", one="02 ~two.tal")
    assert assemble_file(tmp_path / "main.tal").rom == b"\x01\x02\x03"


def test_folders_above_are_looked_in_but_not_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "project" / "src", main="01 ~secret.tal")
    write(tmp_path / "project", secret="05")
    write(tmp_path / "elsewhere")
    monkeypatch.chdir(tmp_path / "elsewhere")
    path = tmp_path / "project" / "src" / "main.tal"
    found = file_problem(path)
    assert found.problem is Problem.INCLUDE_INVALID
    root = tmp_path / "project"
    assert found.hint.endswith(f"take another with `--include-root {root}`")
    assert assemble_file(path, include_root=root).rom == b"\x01\x05"


def test_folders_far_above_are_not_looked_in(tmp_path: Path) -> None:
    write(tmp_path / "a" / "b" / "c" / "d", main="01 ~x.tal")
    write(tmp_path, x="02")
    found = file_problem(tmp_path / "a" / "b" / "c" / "d" / "main.tal")
    assert found.problem is Problem.INCLUDE_MISSING


USES = "|0100 ~macros.tal EMIT print ;text |Console/vector JSR2 BRK ~macros.tal"


def test_a_missing_include_is_told_once_and_alone(tmp_path: Path) -> None:
    write(tmp_path, main=USES)
    found = file_problem(tmp_path / "main.tal")
    assert found.problem is Problem.INCLUDE_MISSING
    assert found.hint.endswith("; 4 errors that may come of it are not listed")
    (tmp_path / "macros.tal").write_bytes("@text 01".encode("utf-16"))
    assert file_problem(tmp_path / "main.tal").problem is Problem.ENCODING


def test_other_errors_beside_a_missing_include_are_told(tmp_path: Path) -> None:
    write(tmp_path, main=f"{USES} ~other.tal #123 @one 01 @one 02")
    with pytest.raises(AssemblyError) as caught:
        assemble_file(tmp_path / "main.tal")
    assert [each.problem for each in caught.value.diagnostics] == [
        Problem.INCLUDE_MISSING, Problem.INCLUDE_MISSING, Problem.HEX_INVALID,
        Problem.LABEL_DUPLICATE,
    ]  # fmt: skip


def test_a_library_s_unused_labels_are_no_warning(tmp_path: Path) -> None:
    write(tmp_path, main="one ~lib.tal", lib="@one 02 @two 03")
    assert assemble_file(tmp_path / "main.tal").warnings == ()


WIDE = ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"]


@pytest.mark.parametrize("encoding", WIDE)
def test_sources_in_wide_characters_are_named(tmp_path: Path, encoding: str) -> None:
    source = "( grüße ) |0100 #800f DEO BRK\n".encode(encoding)
    path = tmp_path / "wide.tal"
    path.write_bytes(source)
    for found in (only_problem(source), file_problem(path)):
        assert found.problem is Problem.ENCODING
        assert f"{encoding[:6].upper()} text; save it as UTF-8" in found.message


@pytest.mark.parametrize("source", [b"", b"\xef\xbb\xbf01", b"01\0", b"\0\x0001 02 03", b"0\x001"])
def test_other_sources_are_none(source: bytes) -> None:
    assert wide_encoding(source) is None


@pytest.mark.parametrize(
    "source",
    ["%! { NEQ } #01 #02 ! BRK", "(old comment) #01", "LIT 'a BRK", "@add 01 ;add @not add"],
)
def test_old_sources_get_a_hint(source: str) -> None:
    with pytest.raises(AssemblyError) as caught:
        assemble(source)
    assert "--legacy" in caught.value.hint
    assert str(caught.value).endswith(f"hint: {caught.value.hint}")
    assemble(source, legacy=True)


@pytest.mark.parametrize("source", ["nowhere", "%! { NEQ } nowhere nowhere", "", "~none.tal"])
def test_sources_that_are_wrong_in_either_dialect_get_none(source: str) -> None:
    with pytest.raises(AssemblyError) as caught:
        assemble(source)
    assert caught.value.hint == ""


def test_included_errors_name_their_file(tmp_path: Path) -> None:
    write(tmp_path, main="01 ~lib.tal", lib="\n nope")
    found = file_problem(tmp_path / "main.tal")
    assert (found.file, found.line, found.column) == (str(tmp_path / "lib.tal"), 2, 2)


def test_including_the_same_file_twice_is_fine(tmp_path: Path) -> None:
    write(tmp_path, main="~lib.tal ~lib.tal", lib="02")
    assert assemble_file(tmp_path / "main.tal").rom == b"\x02\x02"


def test_include_loops_show_the_chain(tmp_path: Path) -> None:
    write(tmp_path, main="01 ~one.tal", one="~two.tal", two="~one.tal")
    found = file_problem(tmp_path / "main.tal")
    assert found.problem is Problem.INCLUDE_LOOP
    chain = found.message.partition(", ")[2].split(" -> ")
    assert [Path(name).name for name in chain] == ["one.tal", "two.tal", "one.tal"]


def test_include_depth(tmp_path: Path) -> None:
    for n in range(MAX_INCLUDE_DEPTH):
        write(tmp_path, **{f"f{n}": f"01 ~f{n + 1}.tal"})
    write(tmp_path, **{f"f{MAX_INCLUDE_DEPTH}": "01"})
    assert len(assemble_file(tmp_path / "f1.tal").rom) == MAX_INCLUDE_DEPTH
    assert file_problem(tmp_path / "f0.tal").problem is Problem.LIMIT


@pytest.fixture
def outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project next to a secret, with the project as the current folder."""
    write(tmp_path, secret="05")
    write(tmp_path / "project", here="01")
    monkeypatch.chdir(tmp_path / "project")
    return tmp_path


@pytest.mark.parametrize(
    "way", ["../secret.tal", "{}/secret.tal", "link.tal", "../project-2/x.tal"]
)
def test_includes_cannot_leave_their_folders(outside: Path, way: str) -> None:
    write(outside / "project-2", x="05")
    os.symlink(outside / "secret.tal", outside / "project" / "link.tal")
    write(outside / "project", main="01 ~" + way.format(outside))
    assert file_problem(Path("main.tal")).problem is Problem.INCLUDE_INVALID


def test_an_include_root_takes_the_place_of_the_folders(outside: Path) -> None:
    write(outside / "project", main="01 ~../secret.tal", other="~here.tal")
    assert assemble_file("main.tal", include_root=outside).rom == b"\x01\x05"
    write(outside / "empty")
    found = file_problem(Path("other.tal"), include_root=outside / "empty")
    assert found.problem is Problem.INCLUDE_INVALID


def test_only_regular_files_are_included(outside: Path) -> None:
    project = outside / "project"
    os.mkfifo(project / "pipe")
    write(project, pipes="01 ~pipe", folders="01 ~../project")
    assert file_problem(Path("pipes.tal")).problem is Problem.INCLUDE_INVALID
    assert file_problem(Path("folders.tal")).problem is Problem.INCLUDE_INVALID


def test_odd_include_names() -> None:
    found = only_problem("01 ~" + "x" * 5000)
    assert found.problem is Problem.INCLUDE_MISSING
    assert max(map(len, found.render().splitlines())) < 200


def test_missing_source_file(tmp_path: Path) -> None:
    found = file_problem(tmp_path / "none.tal")
    assert found.problem is Problem.FILE_MISSING
    assert found.render().startswith(f"{tmp_path / 'none.tal'}: error: File missing")
    assert file_problem(tmp_path).problem is Problem.INCLUDE_INVALID
