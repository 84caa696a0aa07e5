"""Conditions on rows: what `where` says, as a tree that decoders test on each complete message.

    "status == 2 and (ts >= 1700000000 or not debug)"

    All
     ├ Compare  status == 2
     └ Any
        ├ Compare  ts >= 1700000000
        └ Compare  debug == 0

The text is an expression of Python's grammar over paths of fields: comparisons with numbers, True,
False, names of enums; chains of them; `in` with a list; `is None`, `is not None`; `and`, `or`,
`not`. A field alone is one that is not 0.

Absent values are null, where the field or a message around it has presence, and compare with
nothing: a row counts only if what is said of it is true, not unknown. As in SQL. So `not` can be
pushed down to the comparisons, and a tree has only three kinds of node.
"""

from __future__ import annotations

from jitvm.guests.wire.faults import WhereError
from jitvm.guests.wire.schema import WRAPPERS, Field, Kind, Message

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    import ast

LEFT_OUT = (Kind.STRING, Kind.BYTES, Kind.MESSAGE, Kind.GROUP)
"""Kinds that cannot be compared."""
RANGES = {
    Kind.INT32: (-(1 << 31), (1 << 31) - 1),
    Kind.SINT32: (-(1 << 31), (1 << 31) - 1),
    Kind.SFIXED32: (-(1 << 31), (1 << 31) - 1),
    Kind.ENUM: (-(1 << 31), (1 << 31) - 1),
    Kind.UINT32: (0, (1 << 32) - 1),
    Kind.FIXED32: (0, (1 << 32) - 1),
    Kind.INT64: (-(1 << 63), (1 << 63) - 1),
    Kind.SINT64: (-(1 << 63), (1 << 63) - 1),
    Kind.SFIXED64: (-(1 << 63), (1 << 63) - 1),
    Kind.UINT64: (0, (1 << 64) - 1),
    Kind.FIXED64: (0, (1 << 64) - 1),
    Kind.BOOL: (0, 1),
}
"""Least and greatest number of each kind of integer."""
NEGATED = {
    "==": "!=", "!=": "==", "<": ">=", ">=": "<", ">": "<=", "<=": ">",
    "null": "present", "present": "null",
}  # fmt: skip
"""What is true where a comparison is false (of numbers that are there, NaN left aside)."""
MIRRORED = {"==": "==", "!=": "!=", "<": ">", ">": "<", "<=": ">=", ">=": "<="}
"""The same comparison with its sides swapped."""


MOST_BITS = 1023
"""Bits of a whole number that a double holds, nearly, whatever they are."""


class Compare:
    """A comparison of a field.

    Attributes:
        path: `Column.path` of a FIXED column in the space of the root; of any column there for
            ``null`` and ``present``.
        op: ``==``, ``!=``, ``<``, ``<=``, ``>``, ``>=``, all false where the column or a struct
            around it is null; or ``null`` and ``present``, which ask for that only.
        value: what it is compared with: in the range of the field's kind, a float for FLOAT (one of
            32 bits) and DOUBLE.
        is_negated: whether its outcome is turned round where the field is present: only of
            comparisons of floats, where NaN makes that differ from the opposite operator.
    """

    __slots__ = ("is_negated", "op", "path", "value")

    def __init__(
        self, path: str, op: str, value: int | float = 0, is_negated: bool = False
    ) -> None:
        self.path = path
        self.op = op
        self.value = value
        self.is_negated = is_negated

    def __repr__(self) -> str:
        said = (
            f"{self.path} {self.op} {self.value!r}" if self.op in MIRRORED
            else f"{self.path} is {self.op}"
        )  # fmt: skip
        return f"not {said}" if self.is_negated else said


class All:
    """True where all parts are; without parts always."""

    __slots__ = ("parts",)

    def __init__(self, parts: list[Condition]) -> None:
        self.parts = parts

    def __repr__(self) -> str:
        return f"({' and '.join(map(repr, self.parts)) or 'True'})"


class Any:
    """True where one part is; without parts never."""

    __slots__ = ("parts",)

    def __init__(self, parts: list[Condition]) -> None:
        self.parts = parts

    def __repr__(self) -> str:
        return f"({' or '.join(map(repr, self.parts)) or 'False'})"


if TYPE_CHECKING:
    Condition = Compare | All | Any


def paths(condition: Condition) -> list[str]:
    """The fields it asks for, each once."""
    if isinstance(condition, Compare):
        return [condition.path]
    return list(dict.fromkeys(path for part in condition.parts for path in paths(part)))


def parse(text: str, message: Message) -> Condition:
    """The condition that a text says.

    Args:
        text: as in the head of this file.
        message: whose fields it names.

    Raises:
        WhereError: it is no such expression, or names what is not there or cannot be compared.
    """
    import ast

    try:
        tree = ast.parse(text.strip(), mode="eval")
        return _Reader(text, message).condition(tree.body, False)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        if isinstance(error, WhereError):
            raise
        why = error.msg if isinstance(error, SyntaxError) else "it cannot be parsed"
        raise WhereError(f"where {text!r}: {why}") from None


class _Reader:
    """Makes conditions of Python's syntax."""

    def __init__(self, text: str, message: Message) -> None:
        self.text = text
        self.message = message

    def condition(self, node: ast.expr, negated: bool) -> Condition:
        """The condition of an expression, or its opposite."""
        import ast

        if isinstance(node, ast.BoolOp):
            parts = [self.condition(value, negated) for value in node.values]
            return All(parts) if isinstance(node.op, ast.And) is not negated else Any(parts)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            return self.condition(node.operand, not negated)
        if isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
            parts = [
                self.comparison(sides[i], op, sides[i + 1], negated)
                for i, op in enumerate(node.ops)
            ]
            if len(parts) == 1:
                return parts[0]
            return Any(parts) if negated else All(parts)
        if isinstance(node, ast.Constant) and isinstance(node.value, bool):
            return All([]) if node.value is not negated else Any([])
        return _compared(self.place(node), "!=", 0, negated)

    def comparison(
        self, left: ast.expr, op: ast.cmpop, right: ast.expr, negated: bool
    ) -> Condition:
        """The condition of one comparison, or its opposite."""
        import ast

        if isinstance(op, ast.Is | ast.IsNot):
            if not (isinstance(right, ast.Constant) and right.value is None):
                raise self.wrong(right, "`is` asks for None only; compare with ==")
            place = self.place(left, scalar=False)
            is_null = isinstance(op, ast.Is) is not negated
            if not place.has_presence:
                return Any([]) if is_null else All([])
            return Compare(place.path, "null" if is_null else "present")
        if isinstance(op, ast.In | ast.NotIn):
            if not isinstance(right, ast.List | ast.Tuple | ast.Set):
                raise self.wrong(right, "`in` takes a list of values")
            place = self.place(left)
            negated = isinstance(op, ast.NotIn) is not negated
            parts = [
                _compared(place, "==", self.value(each, place), negated) for each in right.elts
            ]
            return All(parts) if negated else Any(parts)
        symbol = {
            ast.Eq: "==", ast.NotEq: "!=", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=",
        }[type(op)]  # fmt: skip
        if self.is_field(left) or not (self.is_field(right) or isinstance(left, ast.Constant)):
            place = self.place(left)
            return _compared(place, symbol, self.value(right, place), negated)
        place = self.place(right)
        return _compared(place, MIRRORED[symbol], self.value(left, place), negated)

    def is_field(self, node: ast.expr) -> bool:
        """Whether an expression names a field: the names of enums are none."""
        import ast

        while isinstance(node, ast.Attribute):
            node = node.value
        return isinstance(node, ast.Name) and self.message.field(node.id) is not None

    def place(self, node: ast.expr, scalar: bool = True) -> _Place:
        """What an expression names."""
        import ast

        names: list[str] = []
        inner = node
        while isinstance(inner, ast.Attribute):
            names.append(inner.attr)
            inner = inner.value
        if not isinstance(inner, ast.Name):
            raise self.wrong(node, "is no field; compare fields with numbers")
        names.append(inner.id)
        names.reverse()
        message: Message | None = self.message
        field: Field | None = None
        has_presence = False
        for place, name in enumerate(names):
            if message is None:
                raise self.wrong(node, f"{'.'.join(names[:place])} is no message")
            field = message.field(name)
            if field is None:
                known = ", ".join(each.name for each in message.fields[:12])
                raise self.wrong(node, f"{message.full_name} has no field {name!r}; it has {known}")
            if field.is_repeated:
                raise self.wrong(node, f"{name} is repeated; only single values are compared")
            has_presence = has_presence or field.has_presence
            message = field.message
            if message is not None and message.full_name in WRAPPERS:
                field, message = message.field("value"), None
        assert field is not None
        if scalar and field.kind in LEFT_OUT:
            kind = field.kind.name.lower()
            raise self.wrong(
                node, f"is a {kind}; numbers, booleans and enums are compared, all else with None"
            )
        return _Place(".".join(names), field, has_presence)

    def value(self, node: ast.expr, place: _Place) -> int | float:
        """The constant that an expression is, for a field."""
        import ast

        field = place.field
        if field.enum is not None:
            name = (
                node.id if isinstance(node, ast.Name)
                else node.value if isinstance(node, ast.Constant) else None
            )  # fmt: skip
            if isinstance(name, str):
                if name not in field.enum.values:
                    known = ", ".join(list(field.enum.values)[:12])
                    raise self.wrong(node, f"{field.enum.full_name} has {known}")
                return field.enum.values[name]
        try:
            value = ast.literal_eval(node)
        except (ValueError, TypeError):
            value = None
        if not isinstance(value, int | float):
            kind = field.kind.name.lower()
            raise self.wrong(node, f"is no number to compare {place.path}, {kind}, with")
        if isinstance(value, int) and value.bit_length() > MOST_BITS:
            raise self.wrong(node, "is larger than any number that a field can hold")
        return value

    def wrong(self, node: ast.AST, why: str) -> WhereError:
        """The error for a part of the text."""
        import ast

        return WhereError(f"where {self.text!r}: {ast.unparse(node)}: {why}")


class _Place:
    """A field that is named: its path, itself (of a wrapper, its value), whether it may be null."""

    __slots__ = ("field", "has_presence", "path")

    def __init__(self, path: str, field: Field, has_presence: bool) -> None:
        self.path = path
        self.field = field
        self.has_presence = has_presence


def _compared(place: _Place, op: str, value: int | float, negated: bool = False) -> Condition:
    """A comparison with a constant that the kind of the field can hold, or what it comes to."""
    path, kind = place.path, place.field.kind
    if kind is Kind.DOUBLE:
        return Compare(path, op, float(value), negated)
    if kind is Kind.FLOAT:
        return Compare(path, op, _narrowed(float(value)), negated)
    if negated:
        op = NEGATED[op]
    known = Compare(path, "present") if place.has_presence else All([])
    if isinstance(value, float) and value != value:
        return known if op == "!=" else Any([])
    low, high = RANGES[kind]
    if place.field.width:  # they are all signed, or none is
        high = (1 << 8 * place.field.width - (low < 0)) - 1
        low = -high - 1 if low else 0
    if value < low or value > high:
        holds = op == "!=" or (op in ("<", "<=") if value > high else op in (">", ">="))
        return known if holds else Any([])
    whole = int(value // 1)
    if whole != value:  # between two integers
        if op in ("==", "!="):
            return known if op == "!=" else Any([])
        return Compare(path, "<=" if op in ("<", "<=") else ">", whole)
    return Compare(path, op, whole)


def _narrowed(value: float) -> float:
    """The float of 32 bits that is nearest."""
    from struct import pack, unpack

    try:
        return float(unpack("<f", pack("<f", value))[0])
    except OverflowError:
        return value * float("inf")
