"""Whatever describes messages, as files of descriptors.

    class or message of generated code       its DESCRIPTOR, serialised
    Descriptor, FileDescriptor               the file it is in, and all that this imports
    FileDescriptorSet, FileDescriptorProto   objects, bytes, or the path of a file
    "telemetry.proto"                        compiled, by grpcio-tools or by a protoc that is found
    "telemetry.proto:Span"                   each path may name the message behind a colon

Protobuf's package is never imported here: its objects give their bytes, which `descriptors` reads.
"""

from __future__ import annotations

import os
import sys

from jitvm.guests.wire.faults import SchemaError
from jitvm.guests.wire.protobuf.descriptors import Pool, files_of

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from jitvm.guests.wire.schema import Message

COMPILE_PATIENCE = 120
"""Seconds a compiler of .proto files may take."""
LARGEST = 64 << 20
"""Bytes of the largest file with descriptors: the path may be that of a device without an end."""
NEEDS_COMPILER = (
    "no compiler of .proto files is there; pip install 'jitvm[wire]', or give what "
    "protoc --descriptor_set_out --include_imports writes"
)


def message_of(
    schema: object,
    message: str | None = None,
    *,
    include: Sequence[str | os.PathLike[str]] = (),
    extensions: bool = False,
) -> Message:
    """The message type that something describes.

    Args:
        schema: see the head of this file.
        message: its full name, or the end of it; needed where the schema has more than one.
        include: folders in which imports of a .proto file are looked for, besides its own.
        extensions: whether extensions that the schema knows become fields.

    Raises:
        SchemaError: there is no such message, or the schema cannot be read or compiled.
        TypeError: `schema` is nothing that describes messages.
    """
    if isinstance(schema, str | os.PathLike):
        path = os.fspath(schema)
        if message is None and not os.path.exists(path) and ":" in path:
            path, _, message = path.rpartition(":")
        files = _from_path(path, include)
    elif isinstance(schema, bytes | bytearray | memoryview):
        files = files_of(bytes(schema))
    else:
        files, own = _from_object(schema)
        message = message or own
    pool = Pool(files, extensions)
    return pool.message(message) if message else pool.only()


def names_of(
    schema: str | os.PathLike[str], include: Sequence[str | os.PathLike[str]] = ()
) -> list[str]:
    """Full names of all messages of a file.

    Raises:
        SchemaError: it cannot be read or compiled.
    """
    return Pool(_from_path(os.fspath(schema), include)).names


def _from_object(schema: object) -> tuple[list[bytes], str | None]:
    """Files of an object of Protobuf's package, and the message that it stands for."""
    it: Any = schema
    described: Any = getattr(it, "DESCRIPTOR", None)
    full_name = getattr(described, "full_name", "")
    if not isinstance(it, type) and full_name.startswith("google.protobuf.FileDescriptor"):
        return files_of(it.SerializeToString()), None
    descriptor: Any = it if described is None else described
    if hasattr(descriptor, "serialized_pb") and hasattr(descriptor, "dependencies"):
        return _with_imports(descriptor), None
    if hasattr(descriptor, "file") and hasattr(descriptor, "fields_by_name"):
        return _with_imports(descriptor.file), str(descriptor.full_name)
    raise TypeError(
        f"{type(it).__name__} describes no messages; give a generated class, a descriptor, a "
        "FileDescriptorSet, or the path of a .proto file"
    )


def _with_imports(file: Any) -> list[bytes]:
    """The descriptor of a file and those of all that it imports."""
    found: dict[str, bytes] = {}
    todo = [file]
    while todo:
        each = todo.pop()
        if each.name not in found:
            found[each.name] = bytes(each.serialized_pb)
            todo.extend(each.dependencies)
    return list(found.values())


def _from_path(path: str, include: Sequence[str | os.PathLike[str]]) -> list[bytes]:
    if path.endswith(".proto"):
        return files_of(compiled(path, include))
    try:
        with open(path, "rb") as file:
            data = file.read(LARGEST + 1)
    except OSError as error:
        raise SchemaError(f"cannot read the schema {path}: {error.strerror}") from None
    if len(data) > LARGEST:
        raise SchemaError(f"{path}: over {LARGEST >> 20} MiB is no schema")
    try:
        return files_of(data)
    except SchemaError as error:
        raise SchemaError(f"{path}: {error}") from None


def compiled(path: str | os.PathLike[str], include: Sequence[str | os.PathLike[str]] = ()) -> bytes:
    """The FileDescriptorSet of a .proto file and all that it imports.

    Raises:
        SchemaError: there is no compiler, or it refuses the file.
    """
    from subprocess import DEVNULL, PIPE, SubprocessError, run
    from tempfile import TemporaryDirectory

    path = os.fspath(path)
    if not os.path.isfile(path):
        raise SchemaError(f"cannot read the schema {path}: there is no such file")
    folders = [os.fspath(folder) for folder in include]
    own = os.path.dirname(path) or "."
    if not any(_is_in(path, folder) for folder in folders):
        folders.append(own)
    command, builtin = _compiler()
    with TemporaryDirectory(prefix="jitvm-proto-") as folder:
        target = os.path.join(folder, "set")
        try:
            done = run(
                [
                    *command,
                    *(f"--proto_path={each}" for each in (*folders, *builtin)),
                    f"--descriptor_set_out={target}",
                    "--include_imports",
                    path,
                ],
                stdin=DEVNULL, stdout=DEVNULL, stderr=PIPE, timeout=COMPILE_PATIENCE, check=False,
            )  # fmt: skip
        except (OSError, SubprocessError) as error:
            raise SchemaError(f"cannot compile {path}: {command[0]}: {error}") from None
        said = done.stderr.decode(errors="replace").strip()
        if done.returncode or not os.path.exists(target):
            why = said.splitlines()[0] if said else f"it ended with status {done.returncode}"
            hint = "; name the folder it is in with include" if "not found" in why else ""
            raise SchemaError(f"cannot compile {path}: {why}{hint}")
        with open(target, "rb") as file:
            return file.read()


def _is_in(path: str, folder: str) -> bool:
    inside = os.path.relpath(os.path.abspath(path), os.path.abspath(folder))
    return not inside.startswith(os.pardir)


def _compiler() -> tuple[list[str], list[str]]:
    """The command that compiles, and folders with what Protobuf itself declares."""
    from importlib.util import find_spec
    from shutil import which

    tools = find_spec("grpc_tools")
    if tools is not None and tools.submodule_search_locations:
        folder = tools.submodule_search_locations[0]
        return [sys.executable, "-m", "grpc_tools.protoc"], [os.path.join(folder, "_proto")]
    protoc = which("protoc")
    if protoc is None:
        raise SchemaError(NEEDS_COMPILER)
    return [protoc], []
