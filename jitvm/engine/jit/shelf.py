"""Where the regions of a program are kept between runs, and whether any are.

What they look like there is in `jitvm.engine.jit.kept`, which is imported if there are some.
"""

from __future__ import annotations

import os

from jitvm.engine.host.process import IMPORTS
from jitvm.engine.memory.fingerprint import stamp

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from jitvm.engine.jit.image import Image
    from jitvm.engine.jit.imagewriter import Settings
    from jitvm.engine.jit.kept import Kept
    from jitvm.engine.memory.cache import CachedCode, CodeCache
    from jitvm.engine.tables.params import Parameters
    from jitvm.guest import Guest


class Shelf:
    """Where the regions of one program are kept between runs.

    Args:
        cache: the code cache.
        guest: the bytecode.
        program: what tells the program from others: a checksum of its bytes.
        made_from: what the guest's native code was made from (`fingerprint.stamp`), where that is
            known already.
    """

    def __init__(
        self, cache: CodeCache, guest: Guest, program: int, made_from: str | None = None
    ) -> None:
        self._cache = cache
        self._guest = guest
        self._program = program
        self._kind = f"{guest.name}-regions"
        self._stamp = made_from or stamp(guest)
        self._found: tuple[str, CachedCode | None] | None = None

    @property
    def cache(self) -> CodeCache:
        """The code cache."""
        return self._cache

    def _key(self, params: Parameters | None, *, charging: bool) -> str | None:
        if self._stamp is None:
            return None
        kind = "charging" if charging else "free"
        return f"{self._program:08x}\n{kind}\n{_limits(params)}\n{self._stamp}"

    def has(self, params: Parameters | None, *, charging: bool) -> bool:
        """Whether there is anything to load; if so, `load` takes what was seen now.

        Args:
            params: limits; None: those of the environment, whose table need not be loaded.
            charging: whether of regions that charge.
        """
        key = self._key(params, charging=charging)
        code = None if key is None else self._cache.load(self._kind, key)
        self._found = None if key is None else (key, code)
        return code is not None

    def begin_work(self, params: Parameters | None, *, charging: bool) -> int | None:
        """Say that regions are being made for it; see `CodeCache.begin_work`."""
        key = self._key(params, charging=charging)
        return None if key is None else self._cache.begin_work(self._kind, key)

    def is_at_work(self, params: Parameters | None, *, charging: bool) -> bool:
        """Whether another process is making regions for it."""
        key = self._key(params, charging=charging)
        with IMPORTS:  # asked from a thread of its own
            return key is not None and self._cache.is_at_work(self._kind, key)

    def image(self) -> Image | None:
        """The image in what `has` has seen; that stays there for `load`."""
        if self._found is None or self._found[1] is None:
            return None
        from jitvm.engine.jit.image import decode

        return decode(self._found[1], self._guest.code_space.size)

    def load(self, params: Parameters, *, charging: bool) -> Kept | None:
        """What is kept for the program, of regions that charge or of those that do not; or None."""
        key = self._key(params, charging=charging)
        if self._found is None or self._found[0] != key:
            self.has(params, charging=charging)
        found, self._found = self._found, None
        if key is None or found is None or found[1] is None:
            return None
        from jitvm.engine.jit.kept import decode

        kept = decode(found[1], self._guest.code_space.size)
        if kept is None:
            self._cache.report_damaged(self._kind, key)
        return kept

    def store(self, params: Parameters, kept: Kept, settings: Settings) -> None:
        """Keep regions in the place of what was kept before, unless the guest has changed since.

        Args:
            params: limits they were made with.
            kept: what to keep.
            settings: what its image says beside its regions.
        """
        from jitvm.engine.jit.kept import encode

        key = self._key(params, charging=kept.charging)
        if key is not None and stamp(self._guest) == self._stamp:
            self._cache.store(self._kind, key, encode(kept, settings))


def _limits(params: Parameters | None) -> str:
    """Limits as a key has them: where they are the environment's, what it says of them."""
    if params is not None and not _are_usual(params):
        return str(params)
    names = sorted(name for name in os.environ if name.startswith("JITVM_"))
    return " ".join(f"{name}={os.environ[name]}" for name in names if name != "JITVM_CACHE")


def _are_usual(params: Parameters) -> bool:
    """Whether limits are those of the environment; they may have come from an earlier one."""
    try:
        return params == type(params).from_environment()
    except ValueError:
        return False
