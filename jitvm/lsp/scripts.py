"""Kept code of the functions that attrs and cattrs write for lsprotocol.

The protocol has some six hundred types. For each attrs writes the text of its methods and compiles
it when lsprotocol is imported, and cattrs that of its conversions when the first message of its
kind comes: half of the time until the first diagnostics. Code depends on nothing but the text and
the version of Python, so it is kept in the code cache by the checksum of the text, under the rules
for all code there (`jitvm.engine.memory.cachefolder`).

Both packages compile by the builtin `compile`. In a `with` block of `Scripts` their modules have
one of their own, which looks into the cache first. Where a package does it otherwise, nothing is
found, and nothing is lost but time.
"""

from __future__ import annotations

import hashlib
import marshal
import sys
from importlib import import_module
from types import CodeType, ModuleType, TracebackType
from typing import Any

from jitvm.engine.memory.cache import CachedCode, CodeCache

MODULES = ("attr._make", "cattrs.gen", "cattrs.gen.typeddicts")
"""Those that compile."""
_KIND = "scripts"


class Scripts:
    """Code by the text that it was compiled from, kept between runs."""

    def __init__(self, cache: CodeCache | None = None) -> None:
        self._cache = cache or CodeCache()
        self._key = f"{sys.version} {sys.implementation.cache_tag} {sys.flags.optimize}"
        self._modules: list[ModuleType] = []
        self._known: dict[bytes, CodeType] = {}
        self._used: dict[bytes, CodeType] = {}
        found = self._cache.load(_KIND, self._key)
        if found is not None:
            try:
                self._known = marshal.loads(found.machine_code)
            except (EOFError, ValueError, TypeError):
                self._cache.report_damaged(_KIND, self._key)

    def __enter__(self) -> Scripts:
        for name in MODULES:
            try:
                module: Any = import_module(name)
            except ImportError:
                continue
            module.compile = self._compile
            self._modules.append(module)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for module in self._modules:
            del module.__dict__["compile"]
        self._modules.clear()
        self.keep()

    def keep(self) -> None:
        """Write what was compiled and is not in the cache; what was not used goes."""
        if self._used.keys() - self._known.keys():
            self._known = dict(self._used)
            code = CachedCode(marshal.dumps(self._known), {})
            self._cache.store(_KIND, self._key, code)

    def _compile(self, source: Any, filename: str, mode: str, *rest: Any, **more: Any) -> Any:
        """As the builtin does."""
        if not isinstance(source, str) or rest or more:
            return compile(source, filename, mode, *rest, **more)
        digest = hashlib.sha256(f"{mode}\0{filename}\0{source}".encode()).digest()
        code = self._known.get(digest)
        if code is None:
            code = compile(source, filename, mode)
        self._used[digest] = code
        return code
