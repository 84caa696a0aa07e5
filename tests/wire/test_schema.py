"""Schemas from all that describes messages, held against what Protobuf's package makes of it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import descriptor_pb2, struct_pb2

from jitvm.guests.wire.faults import SchemaError
from jitvm.guests.wire.protobuf import sources
from jitvm.guests.wire.protobuf.sources import message_of, names_of
from jitvm.guests.wire.schema import Field, Message
from tests.wire.schemas import FILES, MESSAGES, PROTOS, described, extensions, generated, message


def facts(field: Field) -> tuple[Any, ...]:
    return (
        field.number, int(field.kind), field.is_repeated, field.is_packed, field.has_presence,
        field.is_required, field.is_map,
        None if field.oneof is None else (field.oneof.name, [m.name for m in field.oneof.fields]),
        None if field.message is None else field.message.full_name,
        None if field.enum is None else (
            field.enum.full_name, field.enum.is_closed, field.enum.values
        ),
    )  # fmt: skip


def facts_of_protobuf(field: Any) -> tuple[Any, ...]:
    oneof = field.containing_oneof
    is_real = oneof is not None and not (len(oneof.fields) == 1 and oneof.name[0] == "_")
    is_map = field.message_type is not None and field.message_type.GetOptions().map_entry
    return (
        field.number, field.type, field.is_repeated, field.is_packed, field.has_presence,
        field.is_required, is_map,
        (oneof.name, [member.name for member in oneof.fields]) if is_real else None,
        None if field.message_type is None else field.message_type.full_name,
        None if field.enum_type is None else (
            field.enum_type.full_name, field.enum_type.is_closed,
            {value.name: value.number for value in field.enum_type.values},
        ),
    )  # fmt: skip


def all_below(top: Message) -> list[Message]:
    found = {top.full_name: top}
    todo = [top]
    while todo:
        for field in todo.pop().fields:
            if field.message is not None and field.message.full_name not in found:
                found[field.message.full_name] = field.message
                todo.append(field.message)
    return list(found.values())


@pytest.mark.parametrize("name", [*MESSAGES, "google.protobuf.Struct"])
def test_fields_are_what_protobuf_says(name: str) -> None:
    for ours in all_below(message(name)):
        descriptor = generated(ours.full_name).DESCRIPTOR
        known = {f"[{each.full_name}]": each for each in extensions(ours.full_name)}
        known.update({each.name: each for each in descriptor.fields})
        assert {each.name: facts(each) for each in ours.fields} == {
            each: facts_of_protobuf(field) for each, field in known.items()
        }


def same(one: Message, other: Message) -> bool:
    return [facts(field) for field in one.fields] == [facts(field) for field in other.fields]


def test_every_source_gives_the_same_message(tmp_path: Path) -> None:
    cls = generated("kinds.Nested")
    expected = message("kinds.Nested")
    data = described("kinds")
    as_set = descriptor_pb2.FileDescriptorSet.FromString(data)
    file = tmp_path / "kinds.desc"
    file.write_bytes(data)
    for schema, name in (
        (cls, None), (cls(), None), (cls.DESCRIPTOR, None),
        (cls.DESCRIPTOR.file, "Nested"), (data, "kinds.Nested"), (bytearray(data), ".kinds.Nested"),
        (as_set, "Nested"), (file, "Nested"), (f"{file}:kinds.Nested", None),
        (PROTOS / "kinds.proto", "Nested"), (f"{PROTOS / 'kinds.proto'}:Nested", None),
    ):  # fmt: skip
        assert same(message_of(schema, name), expected), schema


def test_a_single_file_is_taken_too() -> None:
    file = descriptor_pb2.FileDescriptorProto(name="a.proto", package="a")
    file.message_type.add(name="Only").field.add(name="it", number=1, type="TYPE_INT32", label=1)
    assert message_of(file).full_name == "a.Only"
    assert message_of(file.SerializeToString()).full_name == "a.Only"


def test_types_without_their_sort_are_looked_up() -> None:
    file = descriptor_pb2.FileDescriptorProto(name="a.proto", package="a")
    file.enum_type.add(name="E").value.add(name="ZERO", number=0)
    one = file.message_type.add(name="M")
    one.field.add(name="e", number=1, type_name=".a.E", label=1)
    one.field.add(name="m", number=2, type_name=".a.M", label=1)
    made = message_of(file)
    assert [field.kind.name for field in made.fields] == ["ENUM", "MESSAGE"]


def test_extensions_are_fields_on_request_only() -> None:
    cls = generated("old.Old")
    plain = message_of(cls)
    assert not [field for field in plain.fields if field.name.startswith("[")]
    known = message_of(cls, extensions=True)
    assert [field.name for field in known.fields if field.name.startswith("[")] == [
        "[old.note]", "[old.numbers]", "[old.Old.Holder.held]",
    ]  # fmt: skip


def test_imports_are_found_in_given_folders(tmp_path: Path) -> None:
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "part.proto").write_text('syntax = "proto3"; message Part { int32 a = 1; }')
    whole = tmp_path / "whole.proto"
    whole.write_text('syntax = "proto3"; import "part.proto"; message Whole { Part part = 1; }')
    with pytest.raises(SchemaError, match=r"part\.proto.*not found.*; name the folder it is in"):
        message_of(whole)
    made = message_of(whole, include=[tmp_path / "lib"])
    assert made.full_name == "Whole", "the only message that no import has"
    assert names_of(whole, [str(tmp_path / "lib")]) == ["Part", "Whole"]


@pytest.mark.parametrize(
    ("schema", "name", "said"),
    [
        (str(PROTOS / "kinds.proto"), "Scalar", "no message 'Scalar'; did you mean kinds.Scalars?"),
        (str(PROTOS / "kinds.proto"), None, "more than one message: kinds.Scalars, .*; say which"),
        ("absent.proto", None, r"cannot read the schema absent\.proto: there is no such file"),
        ("absent.desc", None, r"cannot read the schema absent\.desc: No such file"),
        ("/dev/zero", None, "/dev/zero: over 64 MiB is no schema"),
        (str(PROTOS.parent / "schemas.py"), None, r"schemas\.py: this is no FileDescriptorSet"),
        (b"", "A", "this is no FileDescriptorSet; make one with protoc"),
        (b"\x0a\x05ab", "A", "this is no FileDescriptorSet: a value reaches past the end"),
    ],
)
def test_errors_say_what_to_do(schema: object, name: str | None, said: str) -> None:
    with pytest.raises(SchemaError, match=said):
        message_of(schema, name)


def test_what_describes_nothing_is_refused() -> None:
    with pytest.raises(TypeError, match="int describes no messages; give a generated class"):
        message_of(3)


def test_a_message_twice_needs_its_full_name() -> None:
    file = descriptor_pb2.FileDescriptorProto(name="a.proto")
    file.message_type.add(name="A").nested_type.add(name="Same")
    file.message_type.add(name="B").nested_type.add(name="Same")
    with pytest.raises(SchemaError, match=r"more than one 'Same': A\.Same, B\.Same; say which"):
        message_of(file, "Same")
    assert message_of(file, "B.Same").full_name == "B.Same"


def test_imports_that_are_left_out_are_named() -> None:
    whole = descriptor_pb2.FileDescriptorSet.FromString(described("kinds"))
    only = descriptor_pb2.FileDescriptorSet(
        file=[each for each in whole.file if each.package == "kinds"]
    )
    with pytest.raises(
        SchemaError, match=r"lacks google/protobuf/struct\.proto.*--include_imports"
    ):
        message_of(only, "Known")
    assert message_of(only, "Nested").full_name == "kinds.Nested", "which needs none of them"


def test_damaged_descriptors_are_refused() -> None:
    data = bytearray(described("old"))
    for place in range(0, len(data), 3):  # whatever a byte makes of it: an error of ours, or none
        damaged = data.copy()
        damaged[place] ^= 0x5A
        try:
            message_of(damaged, "old.Old", extensions=True)
        except SchemaError as error:
            assert "\n" not in str(error)  # noqa: PT017


def test_without_a_compiler_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(SchemaError, match=r"pip install 'jitvm\[wire\]', or give what protoc"):
        message_of(PROTOS / "kinds.proto", "Leaf")


def test_a_protoc_that_is_found_will_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    protoc = tmp_path / "protoc"
    include = Path(sources._compiler()[1][0])
    protoc.write_text(f'#!/bin/sh\nexec {sys.executable} -m grpc_tools.protoc -I{include} "$@"\n')
    protoc.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    assert message_of(PROTOS / "kinds.proto", "Leaf").full_name == "kinds.Leaf"


def test_deep_schemas_do_not_meet_the_limit_of_recursion() -> None:
    file = descriptor_pb2.FileDescriptorProto(name="a.proto")
    for number in range(3000):
        one = file.message_type.add(name=f"M{number}")
        if number:
            one.field.add(
                name="it", number=1, type="TYPE_MESSAGE", type_name=f".M{number - 1}", label=1
            )
    assert message_of(file, "M2999").fields[0].message is not None


def test_protobuf_is_not_imported() -> None:
    code = (
        "import sys; from jitvm.guests.wire.protobuf.sources import message_of;"
        "message_of(sys.stdin.buffer.read(), 'kinds.Maps');"
        "print([each for each in ('google.protobuf', 'numpy', 'pyarrow') if each in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], input=described("kinds"), capture_output=True, check=True
    )
    assert done.stdout.split() == [b"[]"]


def test_well_known_types_need_no_file() -> None:
    assert message_of(struct_pb2.Struct).full_name == "google.protobuf.Struct"


def test_all_files_are_named() -> None:
    assert {each.stem for each in PROTOS.glob("*.proto")} == set(FILES)
