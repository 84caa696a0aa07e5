"""``jitvm wire``: Protobuf messages, and records of other formats, in bulk, as tables."""

from __future__ import annotations

import sys
from argparse import Namespace

from jitvm.cli.exits import Exit, Failure

TYPE_CHECKING = False  # known to type checkers; importing `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from jitvm.cli.parser import Parser
    from jitvm.wire import Reader, RecordReader, Table

DESCRIPTION = """\
Read and write Protobuf messages in bulk. EVENTS is a file of messages, each behind its length as a
varint (`writeDelimitedTo` writes such files); .gz and .zst are decompressed; - is standard
input; URLs are opened by fsspec, where it is installed. A file that ends in .avro is one of Avro's
containers, which has its schema; one that ends in .msgpack or .mpk has values of MessagePack, one
behind the other.

SCHEMA is a .proto file, which needs the extra `wire`, or what protoc --descriptor_set_out
--include_imports writes. :NAME behind it says which message, where it has more than one. For Avro
it is the schema to read by, an .avsc file, if it is another than that of the file; for MessagePack
a .json file that declares what values are.
"""

EXAMPLES = """\
examples:
  jitvm wire cat events.pb --schema telemetry.proto:Span | head
  jitvm wire cat events.pb.zst events.parquet --schema set.desc:Span --fields ts,attrs.key
  jitvm wire cat events.pb --schema set.desc:Span --where 'status == ERROR' --errors skip
  jitvm wire cat events.avro events.parquet --fields ts,name
  jitvm wire cat events.msgpack --schema event.json --where 'ts > 5'
  jitvm wire schema telemetry.proto             which messages there are
  jitvm wire schema telemetry.proto:Span        which columns one becomes
  jitvm wire schema events.avro                 which columns a file of Avro becomes
  jitvm wire stats events.pb --schema telemetry.proto:Span
  jitvm wire profile events.pb --schema telemetry.proto:Span
  jitvm wire encode events.parquet events.pb --schema telemetry.proto:Span
  jitvm wire project events.pb less.pb --schema telemetry.proto:Span --drop attrs.value,text
  jitvm wire encode events.parquet events.avro --schema event.avsc
"""


def configure(parser: Parser) -> None:
    """Declare the arguments of ``jitvm wire``."""
    parser.description = DESCRIPTION
    parser.epilog = EXAMPLES
    actions = parser.add_subparsers(title="actions", metavar="ACTION", dest="action", required=True)
    cat = actions.add_parser("cat", help="print messages, or write them to a file")
    _add_source(cat)
    cat.add_argument("out", metavar="OUT", nargs="?", default="-", help="a file; default: stdout")
    cat.add_argument(
        "--to", choices=("jsonl", "csv", "parquet", "arrow"),
        help="format; default: as OUT's name says, jsonl on stdout",
    )  # fmt: skip
    cat.add_argument("--limit", metavar="N", type=_count, help="end after so many rows")
    encode = actions.add_parser("encode", help="write a message of each row of a table")
    encode.add_argument("table", metavar="TABLE", help="a file: .parquet, .arrow, .csv")
    encode.add_argument(
        "out", metavar="OUT", help="a file of messages behind their lengths, or .avro; - stdout"
    )
    _add_schema(encode)
    encode.add_argument("--fields", metavar="PATHS", help="only these columns, as ts,attrs.key")
    project = actions.add_parser("project", help="write messages with some of their fields")
    project.add_argument("events", metavar="EVENTS", help="messages behind their lengths; - stdin")
    project.add_argument("out", metavar="OUT", help="a file of such; - stdout")
    _add_schema(project)
    project.add_argument("--keep", metavar="PATHS", help="only these fields, as ts,attrs.key")
    project.add_argument("--drop", metavar="PATHS", help="all but these fields")
    project.add_argument("--where", metavar="EXPR", help="only messages for which it is true")
    project.add_argument(
        "--unknown", choices=("keep", "drop"),
        help="fields that the schema does not know; default: keep, but in messages with --keep",
    )  # fmt: skip
    _add_errors(project, ("raise", "skip"))
    schema = actions.add_parser("schema", help="list messages, or the columns of one")
    schema.add_argument(
        "schema", metavar="SCHEMA", help="a .proto file, a descriptor set, .avro, .avsc, .json"
    )
    _add_include(schema)
    schema.add_argument("--json", action="store_true", help="as JSON")
    stats = actions.add_parser("stats", help="show how often fields are there, and their sizes")
    _add_source(stats)
    stats.add_argument("--json", action="store_true", help="as JSON")
    profile = actions.add_parser(
        "profile", help="show how long reading takes, and what became native"
    )
    _add_source(profile)
    profile.add_argument("--listing", action="store_true", help="show the program that reads, too")
    profile.add_argument("--explain", action="store_true", help="show its hottest code, too")


def _add_source(parser: Parser) -> None:
    parser.add_argument(
        "events", metavar="EVENTS", help="messages behind their lengths, .avro, .msgpack; - stdin"
    )
    _add_schema(parser, is_required=False)
    parser.add_argument("--fields", metavar="PATHS", help="columns, as ts,attrs.key")
    parser.add_argument("--where", metavar="EXPR", help="only rows for which it is true")
    parser.add_argument("--names", action="store_true", help="enums by their names")
    parser.add_argument("--times", action="store_true", help="timestamps and durations as such")
    _add_errors(parser, ("raise", "skip", "null"))


def _add_errors(parser: Parser, choices: tuple[str, ...]) -> None:
    parser.add_argument(
        "--errors", choices=choices, default="raise",
        help="what becomes of messages that cannot be decoded; default: raise",
    )  # fmt: skip


def _add_schema(parser: Parser, *, is_required: bool = True) -> None:
    parser.add_argument("--schema", metavar="SCHEMA[:NAME]", required=is_required, help="see above")
    _add_include(parser)


def _add_include(parser: Parser) -> None:
    parser.add_argument(
        "--include", "-I", metavar="DIR", action="append", default=[],
        help="where imports of a .proto file are; may be repeated",
    )  # fmt: skip


def _count(text: str) -> int:
    from argparse import ArgumentTypeError

    if not text.isdecimal() or not int(text):
        raise ArgumentTypeError(f"{text!r} is no number of rows; give 1 or more")
    return int(text)


def execute(arguments: Namespace) -> int:
    """Do it; return the exit code."""
    from jitvm import wire

    try:
        return _ACTIONS[arguments.action](arguments)
    except (
        wire.SchemaError, wire.ColumnError, wire.WhereError, wire.StreamError, wire.MessagesError,
        wire.TableError, wire.EncodeError,
    ) as error:  # fmt: skip
        raise Failure(str(error)) from None
    except wire.DecodeError as error:
        is_framed = error.error.fault is not wire.Fault.FRAME
        hint = "--errors skip goes on behind such messages"
        where = "" if error.error.file else f"{arguments.events}: "
        raise Failure(
            f"{where}{error.error}; {hint}"
            if is_framed
            else f"{where}{error.error}{_hint(arguments)}"
        ) from None


def _hint(arguments: Namespace) -> str:
    """What may be the matter where messages are framed in another way."""
    from jitvm import wire

    return "" if wire.format_of(arguments.events) else "; are they behind their lengths?"


def _paths(text: str | None) -> list[str] | None:
    """Paths that are told in one argument."""
    return None if text is None else text.split(",")


def _reader(arguments: Namespace) -> Reader | RecordReader:
    from jitvm import wire

    fields = _paths(arguments.fields)
    if (format := wire.format_of(arguments.events)) is not None:
        made: RecordReader = format.face.of_file(
            arguments.events, arguments.schema, fields=fields, where=arguments.where,
            errors=arguments.errors,
        )  # fmt: skip
        return made
    if arguments.schema is None:
        raise Failure(f"{arguments.events}: name the schema of its messages with --schema")
    return wire.reader(
        arguments.schema, fields=fields, where=arguments.where, errors=arguments.errors,
        include=arguments.include, names=arguments.names,
        times=arguments.times,
    )  # fmt: skip


def _source(path: str) -> Any:
    """The file of a path, or standard input."""
    if path != "-":
        return path
    if sys.stdin is None:
        raise Failure("standard input is closed; name a file", Exit.FAILURE)
    return sys.stdin.buffer


def _target(path: str) -> Any:
    """The file of a path, or standard output."""
    if path != "-":
        return path
    if sys.stdout is None:
        raise Failure("standard output is closed; name a file", Exit.FAILURE)
    return sys.stdout.buffer


def _tell_errors(errors: list[str], count: int, fate: str) -> None:
    """Say on standard error what could not be read: the first of it, and how much it is."""
    for line in errors:
        print(f"jitvm: note: {line}", file=sys.stderr)
    if count:
        print(f"jitvm: note: {count} messages are {fate}", file=sys.stderr)


def _tables(arguments: Namespace, reader: Reader | RecordReader) -> Iterator[Table]:
    """The tables of all events, while a line shows how far they are read."""
    from jitvm.cli.wireprogress import Shown

    source = _source(arguments.events)
    skipped: list[str] = []
    count = 0
    with Shown() as shown:
        for table in reader.stream(source, progress=shown.show):
            count += len(table.errors)
            skipped += [str(error) for error in table.errors[: 3 - len(skipped)]]
            yield table
    _tell_errors(skipped, count, "left out" if arguments.errors == "skip" else "null")


# -- actions -------------------------------------------------------------------------------------


def _cat(arguments: Namespace) -> int:
    from jitvm.cli.wirefiles import TableFile, format_of

    reader = _reader(arguments)
    format = format_of(arguments.out, arguments.to)
    left = arguments.limit
    with TableFile(arguments.out, format, reader) as file:
        for table in _tables(arguments, reader):
            if left is not None and len(table) >= left:
                file.write(table.head(left))
                break
            left = None if left is None else left - len(table)
            file.write(table)
    return Exit.OK


def _encode(arguments: Namespace) -> int:
    from jitvm import wire
    from jitvm.cli.wiretables import batches

    if arguments.out.endswith(".avro"):
        if arguments.fields is not None:
            raise Failure("--fields is for messages: a file of Avro has all fields of its schema")
        wire.avro.writer(arguments.schema).save(batches(arguments.table), arguments.out)
        return Exit.OK
    writer = wire.writer(
        arguments.schema, fields=_paths(arguments.fields), include=arguments.include
    )
    writer.save(batches(arguments.table), _target(arguments.out))
    return Exit.OK


def _project(arguments: Namespace) -> int:
    from jitvm import wire
    from jitvm.cli.wireprogress import Shown

    unknown = {"keep": True, "drop": False}.get(arguments.unknown)
    projector = wire.projector(
        arguments.schema, keep=_paths(arguments.keep), drop=_paths(arguments.drop) or (),
        where=arguments.where, errors=arguments.errors, unknown=unknown, include=arguments.include,
    )  # fmt: skip
    source, target = _source(arguments.events), _target(arguments.out)
    with Shown() as shown:
        _, errors = projector.save(source, target, progress=shown.show)
    _tell_errors([str(error) for error in errors[:3]], len(errors), "left out")
    return Exit.OK


def _schema(arguments: Namespace) -> int:
    from json import dumps

    from jitvm import wire

    if (format := wire.format_of(arguments.schema, schemas=True)) is not None:
        return _columns(arguments, format.face.of_schema(arguments.schema))
    name = None
    if ":" in arguments.schema:
        name = arguments.schema.rpartition(":")[2]
    if name is None:
        names = wire.messages(arguments.schema, include=arguments.include)
        print(dumps(names, indent=2) if arguments.json else "\n".join(names))
        return Exit.OK
    return _columns(arguments, wire.reader(arguments.schema, include=arguments.include))


def _columns(arguments: Namespace, reader: Reader | RecordReader) -> int:
    """Show the columns of a reader."""
    from json import dumps

    if arguments.json:
        print(dumps({path: type for path, type, _ in reader.columns()}, indent=2))
        return Exit.OK
    print(reader.message.full_name)
    for path, type, may_be_null in reader.columns():
        depth = path.count(".")
        label = f"{'  ' * depth}{path.rpartition('.')[2]}"
        kind = type.split("<")[0] if "struct" in type else type
        print(f"  {label:<30} {kind}{', may be null' if may_be_null else ''}")
    return Exit.OK


def _stats(arguments: Namespace) -> int:
    from json import dumps

    reader = _reader(arguments)
    totals: dict[str, list[int]] = {path: [0, 0, 0] for path, _, _ in reader.columns()}
    rows = 0
    for table in _tables(arguments, reader):
        rows += len(table)
        for path, total in totals.items():
            column = table[path]
            total[0] += len(column)
            total[1] += column.present_count
            total[2] += column.nbytes
    if arguments.json:
        facts = {
            path: {"values": total[0], "present": total[1], "bytes": total[2]}
            for path, total in totals.items()
        }
        print(dumps({"rows": rows, "fields": facts}, indent=2))
        return Exit.OK
    print(f"{rows:,} rows of {reader.message.full_name}")
    print(f"  {'field':<32} {'values':>12} {'present':>9} {'bytes':>14}")
    for path, (values, present, size) in totals.items():
        share = f"{100 * present / values:.1f} %" if values else ""
        print(f"  {path:<32} {values:>12,} {share:>9} {size:>14,}")
    return Exit.OK


def _profile(arguments: Namespace) -> int:
    from time import perf_counter

    from jitvm import wire

    start = perf_counter()
    reader = _reader(arguments)
    begin = perf_counter()
    print(f"schema {1e3 * (begin - start):.1f} ms")
    print(f"  {'rows':>10} {'ms':>9} {'ns a row':>9}")
    rows, first = 0, 0.0
    last = begin
    for table in _tables(arguments, reader):
        now = perf_counter()
        rows += len(table)
        took = now - last
        first = first or took
        each = f"{1e9 * took / len(table):.0f}" if len(table) else ""
        print(f"  {len(table):>10,} {1e3 * took:>9.2f} {each:>9}")
        last = perf_counter()
    whole = last - begin
    if rows:
        print(f"{rows:,} rows in {1e3 * whole:.1f} ms, {1e9 * whole / rows:.0f} ns a row")
        print(f"the first batch took {1e3 * first:.1f} ms")
    if arguments.listing:
        print(f"\n{reader.listing()}", end="")
    try:
        explanation = wire.explain(reader)
    except ValueError as error:
        print(f"\n{error}")
        return Exit.OK
    print(f"\nnative code, by where it begins\n{explanation.list_text()}")
    if arguments.explain:
        print(f"\n{explanation}")
    return Exit.OK


_ACTIONS = {
    "cat": _cat, "encode": _encode, "project": _project, "schema": _schema, "stats": _stats,
    "profile": _profile,
}  # fmt: skip
