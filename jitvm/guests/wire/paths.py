"""Paths of fields, as people write them: what they select of a message.

    ["ts", "attrs.key", "[demo.extra].id"]      {"ts": None, "attrs": {"key": None}, ...}

Names of extensions have dots, so they stand in brackets.
"""

from __future__ import annotations

from jitvm.guests.wire.columns import ColumnError, Shape

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from jitvm.guests.wire.columns import Column, Tree
    from jitvm.guests.wire.schema import Message

Selection = dict[str, "Selection | None"]
"""Fields by name: None for all of it, or what is selected in it."""


def selected(message: Message, paths: Iterable[str]) -> Selection:
    """What some paths select of a message.

    Raises:
        ColumnError: one of them names nothing.
    """
    selection: Selection = {}
    for path in paths:
        level: Selection | None = selection
        current: Message | None = message
        names = path_names(path)
        for place, name in enumerate(names):
            if level is None:
                break  # all of it is selected
            if current is None:
                inner = ".".join(names[:place])
                raise ColumnError(f"{path!r}: {inner} is no message; name {inner!r} itself")
            field = current.field(name)
            if field is None and not any(oneof.name == name for oneof in current.oneofs):
                raise ColumnError(f"{path!r}: {no_field(current, name)}")
            if place == len(names) - 1:
                level[name] = None
            else:
                level = level.setdefault(name, {})
            current = field.message if field is not None else None
    if not selection:
        raise ColumnError("no fields are selected; give at least one path, or None for all")
    return selection


def path_names(path: str) -> list[str]:
    """The names of a path; those of extensions have dots, and stand in brackets."""
    names: list[str] = []
    inside = False
    for part in path.split("."):
        if inside:
            names[-1] += f".{part}"
        else:
            names.append(part)
        inside = (inside or part.startswith("[")) and not part.endswith("]")
    return names


def no_field(message: Message, name: str) -> str:
    """What to say where a message has no field of a name."""
    from difflib import get_close_matches

    names = [field.name for field in message.fields]
    close = get_close_matches(name, names, 1)
    known = ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")
    hint = f"did you mean {close[0]!r}?" if close else f"it has {known or 'no fields'}"
    return f"{message.full_name} has no field {name!r}; {hint}"


def hide(made: Tree, fields: Sequence[str]) -> None:
    """Hide all columns of a tree but those of some paths."""
    shown = selected(made.message, fields)

    def within(column: Column, selection: Selection | None) -> None:
        for child in column.children:
            if column.shape in (Shape.LIST, Shape.MAP):
                within(child, selection)
            elif (
                selection is not None and column.message is not None and column.message.is_map_entry
            ):
                within(child, selection.get(child.name))  # an entry without its key is none
            elif selection is not None and child.name not in selection:
                child.is_hidden = not child.is_unknown
            elif selection is not None:
                within(child, selection[child.name])

    within(made.root, shown)
