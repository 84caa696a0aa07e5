"""Schemas from descriptors: what ``protoc --descriptor_set_out`` writes, read without Protobuf.

    FileDescriptorSet, as bytes
      FileDescriptorProto ...      edition, package, features
        DescriptorProto ...        indexed by full name, not looked into before it is needed
          FieldDescriptorProto ... ──> Field, when its message is asked for

Only messages that can be reached from the one that is asked for are made. What proto2 and proto3
mean is said by the features of their editions (`DEFAULTS`), which files, messages, fields, enums
and oneofs override; each inherits from what it is declared in.

Numbers of fields are those of google/protobuf/descriptor.proto; its names are in the comments.
"""

from __future__ import annotations

from jitvm.guests.wire.faults import SchemaError
from jitvm.guests.wire.protobuf.reader import WireError, fields
from jitvm.guests.wire.schema import MAX_NUMBER, Enum, Field, Kind, Message, Oneof

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Iterable

    Values = dict[int, list[int | bytes]]

PROTO2, PROTO3, EDITION_2023 = 998, 999, 1000
"""Editions: ``google.protobuf.Edition``."""
PRESENCE, ENUM_TYPE, ENCODING, MESSAGE_ENCODING = 1, 2, 3, 5
"""Features that matter to who decodes: numbers of fields of ``FeatureSet``."""
IMPLICIT, LEGACY_REQUIRED = 2, 3
CLOSED = 2
PACKED = 1
DELIMITED = 2
DEFAULTS = {
    PROTO2: {PRESENCE: 1, ENUM_TYPE: CLOSED, ENCODING: 2, MESSAGE_ENCODING: 1},
    PROTO3: {PRESENCE: IMPLICIT, ENUM_TYPE: 1, ENCODING: PACKED, MESSAGE_ENCODING: 1},
    EDITION_2023: {PRESENCE: 1, ENUM_TYPE: 1, ENCODING: PACKED, MESSAGE_ENCODING: 1},
}
"""Features by edition; later ones have those of 2023."""
REQUIRED, REPEATED = 2, 3
"""``FieldDescriptorProto.Label``."""


class _Declared:
    """A message or enum that is declared, and with which features."""

    __slots__ = ("data", "edition", "features", "file")

    def __init__(self, data: bytes, features: dict[int, int], file: str, edition: int) -> None:
        self.data = data
        self.features = features
        self.file = file
        self.edition = edition


class _Extension:
    """An extension that is declared: full name, and with which features."""

    __slots__ = ("declared", "name")

    def __init__(self, name: str, declared: _Declared) -> None:
        self.name = name
        self.declared = declared


class Pool:
    """All types of some files."""

    def __init__(self, files: Iterable[bytes], extensions: bool = False) -> None:
        """Index them.

        Args:
            files: FileDescriptorProtos, as bytes; one that comes twice is taken once.
            extensions: whether extensions become fields of what they extend.

        Raises:
            SchemaError: these are none.
        """
        self._tops: dict[str, list[str]] = {}
        self._messages: dict[str, _Declared] = {}
        self._indexes: dict[str, tuple[int, ...]] = {}
        self._enums: dict[str, _Declared] = {}
        self._extensions: dict[str, list[_Extension]] = {}
        self._made: dict[str, Message] = {}
        self._todo: list[Message] = []
        self._made_enums: dict[str, Enum] = {}
        self._files: set[str] = set()
        self._wanted: set[str] = set()
        self._with_extensions = extensions
        try:
            for data in files:
                self._file(data)
        except (WireError, UnicodeDecodeError) as error:
            raise SchemaError(f"these are no descriptors: {error}") from None

    @property
    def names(self) -> list[str]:
        """Full names of all messages, without what maps are made of."""
        return [name for name, it in self._messages.items() if not _is_map_entry(it.data)]

    def message(self, name: str) -> Message:
        """The message of a full name, or of the end of one if no other has it.

        Raises:
            SchemaError: there is none, or more than one, or what it is made of is not there.
        """
        full = name.removeprefix(".")
        if full not in self._messages:
            full = self._only([each for each in self.names if each.endswith(f".{full}")], full)
        try:
            return self._made_message(full)
        except (WireError, UnicodeDecodeError) as error:
            raise SchemaError(f"the descriptor of {full} is damaged: {error}") from None

    def only(self) -> Message:
        """The message of a schema that has but one that is in no other, and in no file of imports.

        Raises:
            SchemaError: it has more or none.
        """
        tops = [
            top for file, tops in self._tops.items() if file not in self._wanted for top in tops
        ]
        return self.message(self._only(tops, ""))

    def _only(self, found: list[str], name: str) -> str:
        if len(found) == 1:
            return found[0]
        if found:
            many = ", ".join(found[:12]) + (", ..." if len(found) > 12 else "")
            what = f"more than one {name!r}" if name else "more than one message"
            raise SchemaError(f"the schema has {what}: {many}; say which")
        if not name:
            raise SchemaError("the schema has no messages")
        from difflib import get_close_matches

        names = self.names
        short = {each.rpartition(".")[2]: each for each in reversed(names)}
        close = get_close_matches(name, [*names, *short], 1)
        hint = f"did you mean {short.get(close[0], close[0])}?" if close else _some(names)
        raise SchemaError(f"the schema has no message {name!r}; {hint}")

    # -- indexing ------------------------------------------------------------------------------

    def _file(self, data: bytes) -> None:
        values = fields(data)
        name = _text(values, 1)  # name
        if name in self._files:
            return
        self._files.add(name)
        self._wanted.update(_as_text(each) for each in values.get(3, ()))  # dependency
        syntax = _text(values, 12)  # syntax
        edition = _number(values, 14)  # edition
        if not edition:
            edition = PROTO3 if syntax == "proto3" else PROTO2
        defaults = DEFAULTS.get(edition, DEFAULTS[EDITION_2023])
        features = _featured(defaults, values, 8, 50)  # options, features
        package = _text(values, 2)  # package
        tops = values.get(4, ())  # message_type
        for place, message in enumerate(tops):
            top = self._index(message, package, features, name, edition, (place,))
            self._tops.setdefault(name, []).append(top)
        for enum in values.get(5, ()):  # enum_type
            self._index_enum(enum, package, features, name, edition)
        for extension in values.get(7, ()):  # extension
            self._index_extension(extension, package, features, name, edition)

    def _index(
        self,
        data: int | bytes,
        scope: str,
        features: dict[int, int],
        file: str,
        edition: int,
        indexes: tuple[int, ...],
    ) -> str:
        data = _as_bytes(data)
        values = fields(data)
        full = _joined(scope, _text(values, 1))  # name
        features = _featured(features, values, 7, 12)  # options, features
        self._messages[full] = _Declared(data, features, file, edition)
        self._indexes[full] = indexes
        for place, nested in enumerate(values.get(3, ())):  # nested_type
            self._index(nested, full, features, file, edition, (*indexes, place))
        for enum in values.get(4, ()):  # enum_type
            self._index_enum(enum, full, features, file, edition)
        for extension in values.get(6, ()):  # extension
            self._index_extension(extension, full, features, file, edition)
        return full

    def _index_enum(
        self, data: int | bytes, scope: str, features: dict[int, int], file: str, edition: int
    ) -> None:
        data = _as_bytes(data)
        values = fields(data)
        features = _featured(features, values, 3, 7)  # options, features
        self._enums[_joined(scope, _text(values, 1))] = _Declared(data, features, file, edition)

    def _index_extension(
        self, data: int | bytes, scope: str, features: dict[int, int], file: str, edition: int
    ) -> None:
        data = _as_bytes(data)
        values = fields(data)
        extended = _text(values, 2).removeprefix(".")  # extendee
        name = _joined(scope, _text(values, 1))  # name
        declared = _Declared(data, features, file, edition)
        self._extensions.setdefault(extended, []).append(_Extension(name, declared))

    # -- making --------------------------------------------------------------------------------

    def _made_message(self, full: str) -> Message:
        """The message of a full name, with all that it needs."""
        made = self._shell(full)
        while self._todo:  # not by recursion: types may be nested deeper than Python's own stack
            self._fill(self._todo.pop())
        return made

    def _shell(self, full: str) -> Message:
        """The message of a full name; its fields come later."""
        made = self._made.get(full)
        if made is None:
            is_entry = _is_map_entry(self._messages[full].data)
            made = self._made[full] = Message(full, is_map_entry=is_entry)
            made.indexes = self._indexes[full]
            self._todo.append(made)
        return made

    def _fill(self, message: Message) -> None:
        full = message.full_name
        declared = self._messages[full]
        values = fields(declared.data)
        described = [fields(_as_bytes(each)) for each in values.get(8, ())]  # oneof_decl
        oneofs = [Oneof(_text(each, 1)) for each in described]
        for data in values.get(2, ()):  # field
            it = fields(_as_bytes(data))
            features, oneof = declared.features, None
            if 9 in it:  # oneof_index
                place = _number(it, 9)
                if place >= len(oneofs):
                    raise WireError(f"a field of {full} is in a oneof that is not there")
                features = _featured(features, described[place], 2, 1)  # options, features
                oneof = None if _number(it, 17) else oneofs[place]  # proto3_optional
            name = _text(it, 1)
            message.fields.append(self._field(it, declared, features, name, oneof, 9 in it))
        known = self._extensions.get(full, ()) if self._with_extensions else ()
        for extension in sorted(known, key=_by_number):
            own = extension.declared
            it = fields(own.data)
            name = f"[{extension.name}]"
            message.fields.append(self._field(it, own, own.features, name, None, True))
        numbers = [field.number for field in message.fields]
        if len(set(numbers)) < len(numbers):
            raise WireError("it has two fields of one number")
        if message.is_map_entry and not {1, 2} == set(numbers):
            raise WireError("a map's entry has other fields than key and value")

    def _field(
        self,
        it: Values,
        declared: _Declared,
        inherited: dict[int, int],
        name: str,
        oneof: Oneof | None,
        is_explicit: bool,
    ) -> Field:
        """The field of a descriptor; `is_explicit` where its place makes it know its presence."""
        features = _featured(inherited, it, 8, 21)  # options, features
        number, label = _number(it, 3), _number(it, 4)
        if not 0 < number <= MAX_NUMBER:
            raise WireError(f"{name} has the number {number}")
        target = _text(it, 6).removeprefix(".")  # type_name
        kind = self._kind(_number(it, 5), target, name, declared)
        message = self._shell(target) if kind in (Kind.MESSAGE, Kind.GROUP) else None
        is_entry = message is not None and message.is_map_entry
        if kind is Kind.MESSAGE and features[MESSAGE_ENCODING] == DELIMITED and not is_entry:
            kind = Kind.GROUP
        is_repeated = label == REPEATED
        is_required = label == REQUIRED or features[PRESENCE] == LEGACY_REQUIRED
        packed = features[ENCODING] == PACKED
        options = _options(it, 8)
        if 2 in options:  # packed
            packed = bool(_number(options, 2))
        return Field(
            number,
            name,
            kind,
            is_repeated=is_repeated,
            is_packed=is_repeated and packed and kind not in _NEVER_PACKED,
            has_presence=not is_repeated
            and (is_explicit or message is not None or features[PRESENCE] != IMPLICIT),
            is_required=is_required and not is_repeated,
            oneof=oneof,
            message=message,
            enum=self._enum(target) if kind is Kind.ENUM else None,
        )

    def _kind(self, number: int, target: str, name: str, declared: _Declared) -> Kind:
        """The kind of a field; parsers that know only its type's name leave out which it is."""
        if number in (0, Kind.MESSAGE, Kind.GROUP, Kind.ENUM):
            if target not in self._messages and target not in self._enums:
                missing = ", ".join(sorted(self._wanted - self._files)) or "another file"
                raise SchemaError(
                    f"{declared.file}: the type {target or 'of no name'} of {name} is not in the "
                    f"schema, which lacks {missing}; add it (protoc: --include_imports)"
                )
            is_message = target in self._messages
            if number == 0:
                return Kind.MESSAGE if is_message else Kind.ENUM
            if is_message is (number == Kind.ENUM):
                raise WireError(f"{name} has the type {target}, which is something else")
        if not 0 < number <= len(Kind):
            raise WireError(f"{name} has the type {number}")
        return Kind(number)

    def _enum(self, full: str) -> Enum:
        made = self._made_enums.get(full)
        if made is None:
            declared = self._enums[full]
            values = [fields(_as_bytes(each)) for each in fields(declared.data).get(2, ())]
            numbers = {_text(each, 1): _signed(_number(each, 2)) for each in values}
            made = Enum(full, numbers, declared.features[ENUM_TYPE] == CLOSED)
            self._made_enums[full] = made
        return made


_NEVER_PACKED = (Kind.STRING, Kind.BYTES, Kind.MESSAGE, Kind.GROUP)


def files_of(data: bytes) -> list[bytes]:
    """The FileDescriptorProtos in a FileDescriptorSet, or the one that the bytes themselves are.

    Raises:
        SchemaError: they are neither.
    """
    try:
        values = fields(data)
        files = [_as_bytes(each) for each in values.get(1, ())]  # file, or name
        if files and set(values) == {1} and all(map(_is_file, files)):
            return files
    except WireError as error:
        raise SchemaError(f"this is no FileDescriptorSet: {error}") from None
    if _is_file(data):
        return [data]
    raise SchemaError("this is no FileDescriptorSet; make one with protoc --descriptor_set_out")


def _is_file(data: bytes) -> bool:
    """Whether bytes may be a FileDescriptorProto: it has a name, and what else it has is known."""
    try:
        values = fields(data)
        return bool(_text(values, 1)) and set(values) <= {*range(1, 13), 14, 15}
    except (WireError, UnicodeDecodeError):
        return False


def _is_map_entry(data: bytes) -> bool:
    return bool(_number(_options(fields(data), 7), 7))  # options, map_entry


def _featured(inherited: dict[int, int], it: Values, options: int, features: int) -> dict[int, int]:
    """Features of what is declared in something that has others."""
    own = _options(_options(it, options), features)
    if not own:
        return inherited
    return {**inherited, **{each: _number(own, each) for each in inherited if each in own}}


def _options(it: Values, number: int) -> Values:
    """The message in a singular field; what comes in parts is merged."""
    return fields(b"".join(_as_bytes(each) for each in it.get(number, ())))


def _number(it: Values, number: int) -> int:
    value = it.get(number, (0,))[-1]
    if not isinstance(value, int):
        raise WireError("a number was expected")
    return value


def _signed(value: int) -> int:
    """The low 32 bits of a number, with their sign."""
    low = value & 0xFFFF_FFFF
    return low - (1 << 32) if low >> 31 else low


def _text(it: Values, number: int) -> str:
    return _as_text(it.get(number, (b"",))[-1])


def _as_text(value: int | bytes) -> str:
    return _as_bytes(value).decode()


def _as_bytes(value: int | bytes) -> bytes:
    if not isinstance(value, bytes):
        raise WireError("bytes were expected")
    return value


def _joined(scope: str, name: str) -> str:
    return f"{scope}.{name}" if scope else name


def _by_number(extension: _Extension) -> int:
    return _number(fields(extension.declared.data), 3)


def _some(names: list[str]) -> str:
    return f"it has {', '.join(names[:12]) or 'none'}" + (", ..." if len(names) > 12 else "")
