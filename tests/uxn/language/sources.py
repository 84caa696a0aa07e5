"""Sources of tests, and what is found in them."""

from __future__ import annotations

from jitvm.guests.uxn.language import Uxntal
from jitvm.guests.uxn.language.project import Project

HEAD = (
    "|00 @zero $1 @zero2 $2 |10 @Console &vector $2 &read $5 &type $1 &write $1 &error $1\n|0100\n"
)
MAIN = "main.tal"


def project(source: str, *, legacy: bool | None = None, **others: str) -> Project:
    """A project of a main source and, by the names of their files, others."""
    texts = {MAIN: source} | {f"{name}.tal": text for name, text in others.items()}
    return Uxntal().read(MAIN, texts=texts, folder=".", legacy=legacy)


def found(source: str, language: Uxntal | None = None) -> list[tuple[str, str]]:
    """Rules and words of what is found in a source."""
    language = language or Uxntal()
    read = language.read(MAIN, texts={MAIN: source}, folder=".")
    return [
        (each.rule, source[each.span.start : each.span.end])
        for each in read.findings()
        if each.rule != "unused-label"
    ]


def routine(body: str) -> list[tuple[str, str]]:
    """What is found in a routine, with everything around it that it may need."""
    return found(f"{HEAD}@on-reset ( -> ) BRK\n{body}\n")
