"""What every start needs of Python's library, without what else its modules import.

`enum`, `functools`, `collections` and `contextlib` import each other and create a hundred classes:
more than half as much work as starting Python. These here do the same as theirs, so that is what
type checkers take them for. Files that are imported by every run take them from here, and those of
the JIT and its quick compilations, which are imported while a guest could do with them; all others
from the library.
"""

from __future__ import annotations

TYPE_CHECKING = False  # known to type checkers; importing `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections import Counter, deque
    from contextlib import suppress
    from copy import copy
    from enum import Enum, IntEnum, StrEnum
    from functools import cache, cached_property, partial
    from importlib import import_module
    from importlib.machinery import PathFinder
    from weakref import WeakSet
else:
    from _collections import _count_elements, deque
    from _frozen_importlib import _gcd_import as import_module
    from _frozen_importlib_external import PathFinder
    from _functools import partial
    from _weakref import ref

    class cached_property:
        """A method whose result is kept in the object's dict, where it is found from then on."""

        def __init__(self, function):
            self._function = function
            self.__doc__ = function.__doc__

        def __set_name__(self, _owner, name):
            self._name = name

        def __get__(self, instance, _owner=None):
            if instance is None:
                return self
            return instance.__dict__.setdefault(self._name, self._function(instance))

    def cache(function):
        """The same function, which keeps its results."""
        results = {}
        new = object()

        def kept(*arguments, **named):
            key = (arguments, *named.items()) if named else arguments
            result = results.get(key, new)
            if result is new:
                result = results[key] = function(*arguments, **named)
            return result

        kept.__wrapped__, kept.__doc__ = function, function.__doc__
        return kept

    def copy(thing):
        """One like it, with the same in its attributes."""
        twin = thing.__class__.__new__(thing.__class__)
        twin.__dict__.update(thing.__dict__)
        return twin

    class Counter(dict):
        """How often each key was counted."""

        def __init__(self, counted=None):
            super().__init__()
            self.update(counted)

        def __missing__(self, key):
            return 0

        def update(self, counted=None):
            """Count what there is, or add other counts."""
            if isinstance(counted, dict):
                for key, count in counted.items():
                    self[key] += count
            elif counted is not None:
                _count_elements(self, counted)

        def subtract(self, counted):
            """Uncount each of these once."""
            for key in counted:
                self[key] -= 1

        def most_common(self, most=None):
            """Keys with their counts, those with equal ones as they came."""
            rows = sorted(self.items(), key=lambda row: row[1], reverse=True)
            return rows if most is None else rows[:most]

        def total(self):
            """All counts together."""
            return sum(self.values())

        def copy(self):
            """Another one that counted the same."""
            return type(self)(self)

        def __reduce__(self):
            return type(self), (dict(self),)

    class suppress:
        """A ``with`` block that some exceptions end quietly."""

        def __init__(self, *kinds):
            self._kinds = kinds

        def __enter__(self):
            return None

        def __exit__(self, kind, _error, _trace):
            return kind is not None and issubclass(kind, self._kinds)

    class WeakSet:
        """Things that are in it as long as somebody else holds them."""

        __slots__ = ("_references",)

        def __init__(self):
            self._references = {}

        def add(self, thing):
            references = self._references
            references[ref(thing, lambda gone: references.pop(gone, None))] = None

        def discard(self, thing):
            self._references.pop(ref(thing), None)

        def __contains__(self, thing):
            return ref(thing) in self._references

        def __iter__(self):
            things = [reference() for reference in list(self._references)]
            return iter([thing for thing in things if thing is not None])

        def __len__(self):
            return len(self._references)

    class _Members(type):
        """Makes what is in a class, its methods apart, its members."""

        def __new__(meta, name, bases, namespace):
            given = {
                key: value
                for key, value in namespace.items()
                if not key.startswith("_") and not hasattr(value, "__get__")
            }
            rest = {key: value for key, value in namespace.items() if key not in given}
            cls = super().__new__(meta, name, bases, rest)
            cls.__members__ = {}
            cls._by_value = {}
            takes_value = cls.__new__ is not object.__new__
            for key, value in given.items():
                member = cls.__new__(cls, value) if takes_value else cls.__new__(cls)
                member.name, member.value = key, getattr(member, "_value_", value)
                setattr(cls, key, member)
                cls.__members__[key] = cls._by_value[member.value] = member
            return cls

        def __call__(cls, value):
            try:
                return cls._by_value[value]
            except (KeyError, TypeError):
                raise ValueError(f"{value!r} is not a valid {cls.__qualname__}") from None

        def __getitem__(cls, name):
            return cls.__members__[name]

        def __iter__(cls):
            return iter(cls.__members__.values())

        def __len__(cls):
            return len(cls.__members__)

        def __contains__(cls, value):
            return value in cls._by_value

    def _repr(self):
        return f"<{type(self).__name__}.{self.name}: {self.value!r}>"

    def _reduce(self, _protocol):
        return type(self), (self.value,)

    class Enum(metaclass=_Members):
        """Anything with names."""

        __repr__, __reduce_ex__ = _repr, _reduce

        def __str__(self):
            return f"{type(self).__name__}.{self.name}"

    class IntEnum(int, metaclass=_Members):
        """Numbers with names."""

        __repr__, __str__, __reduce_ex__ = _repr, int.__repr__, _reduce

    class StrEnum(str, metaclass=_Members):
        """Texts with names."""

        __repr__, __str__, __reduce_ex__ = _repr, str.__str__, _reduce


__all__ = [
    "Counter", "Enum", "IntEnum", "PathFinder", "StrEnum", "WeakSet", "cache", "cached_property",
    "copy", "deque", "import_module", "partial", "suppress",
]  # fmt: skip
