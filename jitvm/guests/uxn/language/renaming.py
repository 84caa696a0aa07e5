"""Renames labels and macros, in all files of a project.

The part of a name that the cursor is in is renamed: in ``;print/word`` the scope `print` with all
that is in it, or `word`. What comes of it is assembled before anybody sees it: a rename that would
change the program, or break it, is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from jitvm.guests.uxn.assembler.labels import FIRST_SCOPE, name_fault
from jitvm.guests.uxn.language.names import Names, Occurrence
from jitvm.guests.uxn.language.reading import Reading
from jitvm.platform.language import Edit, LanguageError, Span


def part_at(names: Names, file: str, offset: int) -> tuple[Occurrence, str, Span]:
    """The word at a place, the name that its part at hand stands for, and where that is.

    Raises:
        LanguageError: there is no name.
    """
    found = names.at(file, offset)
    if not found:
        raise LanguageError("this is not the name of a label or a macro")
    if len(found) > 1:
        several = " and ".join(f"`{each.full}`" for each in found[:2])
        raise LanguageError(f"in this macro it is the name of {several}; rename one of these")
    full, span = found[0].part_at(offset)
    return found[0], full, span


def rename(
    names: Names,
    file: str,
    offset: int,
    name: str,
    again: Callable[[Mapping[str, str]], Reading],
) -> list[Edit]:
    """Edits that give a name at a place another one.

    Args:
        names: of a project.
        file, offset: the place.
        name: the new name, or the new part of it.
        again: reads the project with other texts.

    Raises:
        LanguageError: see `Analysis.rename`.
    """
    reading = names.reading
    _, full, _ = part_at(names, file, offset)
    is_scope = "/" not in full
    fault = _fault(name, is_scope, reading.legacy)
    if fault is not None:
        raise LanguageError(fault)
    edits: dict[Span, str] = {}
    if is_scope:
        _check_free(names, name, lambda other: other.partition("/")[0] == name)
        if full == FIRST_SCOPE and full not in names.definitions:
            raise LanguageError(f"`{full}` is the scope before the first label; it has no name")
        occurrences = list(names.in_scope(full))
    else:
        renamed = f"{full.partition('/')[0]}/{name}"
        _check_free(names, renamed, lambda other: other == renamed)
        occurrences = list(names.of(full))
    for occurrence in occurrences:
        for stands_for, span in occurrence.parts():
            if stands_for == full:
                _check_alone(names, occurrence, full)
                edits[span] = name
    if not any(each.full == full or is_scope for each in occurrences if each.defines):
        raise LanguageError(f"`{full}` is not defined; there is nothing to rename")
    found = [Edit(span, text) for span, text in edits.items()]
    _check_same(reading, again(applied(reading, found)))
    return sorted(found, key=lambda edit: (edit.span.file, edit.span.start))


def applied(reading: Reading, edits: Sequence[Edit]) -> dict[str, str]:
    """The texts of the files that edits change, after them."""
    texts: dict[str, str] = {}
    for edit in sorted(edits, key=lambda edit: edit.span.start, reverse=True):
        file = edit.span.file
        text = texts.get(file, reading.sources[file].text)
        texts[file] = text[: edit.span.start] + edit.text + text[edit.span.end :]
    return texts


def _fault(name: str, is_scope: bool, legacy: bool) -> str | None:
    if any(char <= " " for char in name):
        return "a name has no blanks"
    if "/" in name:
        return "a part of a name has no `/`"
    fault = name_fault(name, any_word=legacy or not is_scope)
    if fault is None and name[0] in "()":
        return "a name cannot begin with a parenthesis"
    return fault


def _check_free(names: Names, name: str, is_taken: Callable[[str], bool]) -> None:
    taken = next((each for each in names.definitions.values() if is_taken(each.full)), None)
    if taken is not None:
        raise LanguageError(f"`{name}` is taken, by `{taken.full}` at {taken.token.place()}")


def _check_alone(names: Names, occurrence: Occurrence, full: str) -> None:
    """Refuse a word of a macro that names other things elsewhere."""
    for other in names.of_token(occurrence.token):
        if all(stands_for != full for stands_for, _ in other.parts()):
            token = occurrence.token
            raise LanguageError(
                f"a macro at {token.place()} names it by `{token.text}`, and `{other.full}` as well"
            )


def _check_same(before: Reading, after: Reading) -> None:
    if len(after.errors) > len(before.errors):
        first = after.errors[0]
        raise LanguageError(
            f"the program would have an error: {first.file}:{first.line}: {first.message}"
        )
    if not before.errors and after.rom != before.rom:
        raise LanguageError("the program would be another one")
