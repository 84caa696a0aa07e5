"""The protocol's types, completed when they are used.

lsprotocol has some six hundred classes, for each of which attrs writes and compiles methods when
the package is imported: a quarter of a second, most of the time until the first diagnostics. A
session uses a sixth of them. So while lsprotocol is imported, its classes get two stand-ins in
place of what attrs makes, and whichever is asked for first has attrs complete the class:

    __init__           somebody makes an object of the class
    __attrs_attrs__    somebody asks for its fields, as cattrs does before it converts it

attrs completes a class without slots in place, so it stays the same object. Where lsprotocol or
attrs do it otherwise than here, classes are completed at once, and nothing is lost but time.
"""

from __future__ import annotations

import sys
from typing import Any, Final


def load() -> None:
    """Import lsprotocol; without effect if it was imported."""
    if "lsprotocol.types" in sys.modules:
        return
    import attrs

    complete = attrs.define
    vars(attrs)["define"] = _defer
    try:
        import lsprotocol.types
    finally:
        vars(attrs)["define"] = complete
    import lsprotocol._hooks as hooks

    # It would resolve the annotations of all classes, which completes them.
    hooks._resolved_forward_references = True
    _NAMES.update(lsprotocol.types.ALL_TYPES_MAP)


_NAMES: Final[dict[str, Any]] = {}
"""What annotations may name."""


def _defer(cls: Any) -> Any:
    """In place of `attrs.define`."""
    if "__init__" in vars(cls):
        from attrs import define

        return define(cls)
    cls.__init__, cls.__attrs_attrs__ = _completing_init, _Fields(cls)
    return cls


def _complete(cls: Any) -> None:
    import attrs

    del cls.__init__, cls.__attrs_attrs__
    attrs.define(cls, slots=False)
    attrs.resolve_types(cls, _NAMES, {})


def _completing_init(self: Any, *given: Any, **named: Any) -> None:
    cls = type(self)
    _complete(cls)
    cls.__init__(self, *given, **named)


class _Fields:
    """The fields of a class that is not complete."""

    __slots__ = ("_cls",)

    def __init__(self, cls: Any) -> None:
        self._cls = cls

    def __get__(self, _: object, __: object = None) -> Any:
        _complete(self._cls)
        return self._cls.__attrs_attrs__
