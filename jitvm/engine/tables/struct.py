"""Classes declared by their fields, like dataclasses, but created without compiling anything.

    class Start(Struct):
        formed: int = 0
        headroom: Headroom | None = None
        refused: Counter[str] = fresh(Counter)

The JIT is imported while its guest is being interpreted, so every millisecond of import delays the
first native code. `dataclasses` imports `inspect` and compiles several functions per class: 12 and
20 ms for the classes here, out of the 90 between the start of a program and its first region. A
struct shares its methods with all others and costs a hundredth of that to create; it is slower to
call, so what is created thousands of times per region is a plain class.

Structs have slots, compare by their fields, and are frozen if the class says so.
"""

from __future__ import annotations

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, ClassVar, TypeVar, dataclass_transform

    T = TypeVar("T")
    R = TypeVar("R", bound="Struct")
else:

    def dataclass_transform(**_: object) -> Callable[[type], type]:
        """At run time the real one does as little."""
        return lambda cls: cls


class _Fresh:
    """A default that is made for each struct."""

    __slots__ = ("make",)

    def __init__(self, make: Callable[[], object]) -> None:
        self.make = make


def fresh(factory: Callable[[], T]) -> T:
    """A field's default that no two structs share, as in ``names: list[str] = fresh(list)``."""
    found: Any = _Fresh(factory)
    return found  # type: ignore[no-any-return]


@dataclass_transform()
class _Declared(type):
    """Makes the annotated names of a class its fields, after those of its base."""

    def __new__(
        meta, name: str, bases: tuple[type, ...], namespace: dict[str, Any], frozen: bool = False
    ) -> _Declared:
        own = tuple(
            field
            for field, kind in namespace.get("__annotations__", {}).items()
            if not str(kind).startswith("ClassVar")
        )
        base = bases[0] if bases else None
        defaults = {field: namespace.pop(field) for field in own if field in namespace}
        namespace["__slots__"] = own
        namespace["fields"] = namespace["__match_args__"] = (*getattr(base, "fields", ()), *own)
        namespace["defaults"] = {**getattr(base, "defaults", {}), **defaults}
        if frozen:
            namespace["__setattr__"] = namespace["__delattr__"] = _refuse
        return super().__new__(meta, name, bases, namespace)

    def __init__(cls, *args: Any, **_: Any) -> None:
        super().__init__(*args)


def _refuse(struct: Struct, name: str, *_: object) -> None:
    raise AttributeError(f"{type(struct).__name__}.{name} is frozen")


_set = object.__setattr__


class Struct(metaclass=_Declared):
    """Base of the classes declared by their fields.

    Attributes:
        fields: their names, in order; of the class.
        defaults: of those that have one; of the class.
    """

    fields: ClassVar[tuple[str, ...]]
    defaults: ClassVar[dict[str, Any]]

    def __init__(self, *values: Any, **named: Any) -> None:
        cls = type(self)
        if not named and len(values) == len(cls.fields):
            for field, value in zip(cls.fields, values, strict=True):
                _set(self, field, value)
            return
        if len(values) > len(cls.fields):
            raise TypeError(f"{cls.__name__} has {len(cls.fields)} fields, not {len(values)}")
        given = dict(zip(cls.fields, values, strict=False))
        if not named.keys().isdisjoint(given):
            raise TypeError(f"{cls.__name__}: {', '.join(given.keys() & named)} given twice")
        given.update(named)
        for field in cls.fields:
            if field in given:
                value = given.pop(field)
            elif field in cls.defaults:
                value = cls.defaults[field]
                if isinstance(value, _Fresh):
                    value = value.make()
            else:
                raise TypeError(f"{cls.__name__} needs {field}")
            _set(self, field, value)
        if given:
            raise TypeError(f"{cls.__name__} has no {', '.join(given)}")

    def values(self) -> tuple[Any, ...]:
        """What is in the fields, in their order."""
        return tuple(getattr(self, field) for field in type(self).fields)

    def row(self) -> dict[str, Any]:
        """The fields by their names."""
        return dict(zip(type(self).fields, self.values(), strict=True))

    def but(self: R, **changes: Any) -> R:
        """A copy with some fields set."""
        return type(self)(**{**self.row(), **changes})

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        assert isinstance(other, Struct)
        return self.values() == other.values()

    def __hash__(self) -> int:
        """Of its fields: only structs whose fields stay as they are should be hashed."""
        return hash(self.values())

    def __reduce__(self) -> tuple[type[Struct], tuple[Any, ...]]:
        """Copied and pickled by its fields, frozen or not."""
        return type(self), self.values()

    def __repr__(self) -> str:
        shown = ", ".join(f"{field}={value!r}" for field, value in self.row().items())
        return f"{type(self).__name__}({shown})"
