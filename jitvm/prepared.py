"""Groups of jitvm's own modules, each compiled and in one file of the code cache.

Python looks for every module by itself, and makes a lock, a search and a dozen objects for it: more
than most of ours take to execute. So what is needed together anyway is a *group*. It has the name
of its *head*, the module that is imported:

    MAGIC | checksum of the rest | length, key | (where Python would keep it, code) ..., marshalled

When the head is imported, the modules of its group are executed one after the other, each behind
those that it imports, the head itself last. That is the order in which they would be complete if
Python imported them, and all else about them is the same: names, sources, loaders.

 1. A file is good for exactly these sources and this Python: the key has the size, times and number
    of each source as it is now, where it is, and the version and settings of Python.
 2. It is trusted like machine code and no more: it is read only from a folder with a complete tag,
    if it belongs to this user alone (see `jitvm.engine.memory.cachefolder`).
 3. What is not there, old, damaged or foreign is left to Python, and so is whatever is imported a
    second time or without its head. The command writes what it missed when it ends, see
    `jitvm.preparing`, and so does a program in which the wire VM has run.
 4. While there are other threads, which may have to wait for a module, Python imports each by
    itself, head or not, and only its code is taken from the file. Threads that say that they
    import none of ours (`Prepared.apart`) do not count.
 5. Finders of others that stand before Python's own are asked first, as they would be without.

This file is read by every use of the package, so it imports next to nothing.
"""

from __future__ import annotations

import gc
import sys
from _frozen_importlib import BuiltinImporter, ModuleSpec
from _frozen_importlib_external import SourceFileLoader, spec_from_file_location
from _thread import _count as count_of_threads
from _thread import get_ident
from marshal import dumps, loads
from posix import register_at_fork, stat

TYPE_CHECKING = False  # known to type checkers; importing `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import CodeType, ModuleType
    from typing import ClassVar

    Member = tuple[str, CodeType]
    """Where Python would keep a module, and its code."""

MAGIC = b"jitvm-modules-1\n"
GROUPS = {
    "jitvm.cli.main": """
        cli/commands guest/light guest/parts guest/description guest/state guest/__init__ cli/exits
        engine/host/__init__ engine/host/unpatched engine/host/background engine/host/notes
        engine/host/signals cli/main
    """,
    "jitvm.cli.run": """
        cli/plain platform/__init__ engine/machine/__init__ engine/host/foreign
        engine/interpreter/__init__ engine/host/importing engine/host/process
        engine/memory/cache engine/memory/layout
        engine/interpreter/unit engine/host/addresses engine/host/descriptor engine/memory/block
        engine/memory/arena
        engine/memory/fingerprint engine/host/threads engine/interpreter/installed
        engine/tables/__init__ engine/tables/status engine/machine/porttables
        guest/numbers engine/machine/devices engine/machine/warmup engine/machine/native
        engine/machine/machine engine/machine/watch platform/evaluator platform/output
        platform/registry guests/__init__ guests/uxn/__init__ guests/uxn/platform
        engine/jit/__init__ engine/jit/shelf cli/values cli/graphics cli/options cli/run
    """,
    "jitvm.cli.show": "cli/progress cli/headless cli/sessions cli/show",
    "jitvm.cli.outputs": """
        engine/host/part cli/outfile platform/picture platform/sessions cli/outputs
    """,
    "jitvm.engine.jit.image": "engine/jit/codetable engine/jit/image",
    "jitvm.engine.jit.jit": """
        engine/jit/codetable engine/tables/struct engine/tables/params engine/region/__init__
        engine/region/world engine/tables/reasons engine/region/region engine/jit/compiled
        engine/jit/dump engine/tables/events engine/jit/maker engine/jit/thread engine/jit/full
        engine/host/handover engine/host/apart engine/jit/imagewriter engine/jit/kept
        engine/jit/keeper engine/jit/planner engine/jit/quick engine/jit/codemap engine/jit/regions
        engine/jit/rest engine/jit/jit
    """,
    "jitvm.engine.region.direct": """
        engine/ir/__init__ engine/ir/ops engine/ir/rules engine/ir/graph
        engine/ir/passes/dominators engine/ir/passes/params engine/ir/passes/blocks
        engine/ir/passes/arms engine/ir/passes/dead engine/ir/passes/fold engine/ir/passes/guards
        engine/ir/passes/stores engine/ir/passes/counted engine/ir/passes/unroll
        engine/ir/passes/__init__ engine/ir/stacks engine/interpreter/cores engine/region/core
        engine/region/economy engine/region/forming engine/region/attempt engine/region/window
        engine/codegen/__init__ engine/codegen/x86 engine/codegen/registers engine/codegen/places
        engine/codegen/table engine/codegen/direct engine/codegen/leaving engine/region/direct
    """,
    "jitvm.guests.uxn.varvara": """
        platform/device guests/uxn/varvara/console guests/uxn/varvara/readahead
        guests/uxn/varvara/sandbox guests/uxn/varvara/handle guests/uxn/varvara/program
        guests/uxn/varvara/words guests/uxn/varvara/file guests/uxn/varvara/banks
        guests/uxn/varvara/system guests/uxn/varvara/clock guests/uxn/varvara/controller
        guests/uxn/varvara/mouse guests/uxn/varvara/screen/device guests/uxn/varvara/screen/__init__
        guests/uxn/varvara/hardware platform/input guests/uxn/varvara/booting
        guests/uxn/varvara/computer
        guests/uxn/varvara/__init__
    """,
    "jitvm.guests.uxn.varvara.frames": """
        guests/uxn/varvara/native/__init__ engine/codegen/__init__ engine/codegen/kernels
        guests/uxn/varvara/native/library guests/uxn/varvara/screen/native
        guests/uxn/varvara/screen/state guests/uxn/varvara/screen/blending
        guests/uxn/varvara/screen/palette guests/uxn/varvara/screen/canvas
        engine/tables/struct platform/frames guests/uxn/varvara/frames
    """,
    "jitvm.wire": """
        guests/__init__ guests/wire/__init__ guests/wire/schema guests/wire/columns
        engine/tables/__init__ engine/tables/names guests/wire/faults engine/host/__init__
        engine/host/foreign engine/host/notes engine/host/unpatched engine/host/background
        guest/light guest/parts
        guest/description guest/state guest/__init__ engine/host/importing engine/host/process
        engine/memory/layout engine/memory/block guests/wire/buffers guests/wire/pool
        guests/wire/paths guests/wire/protobuf/__init__ guests/wire/protobuf/columns
        guests/wire/protobuf/reader
        guests/wire/protobuf/descriptors guests/wire/protobuf/sources guests/wire/pace
        engine/host/threads guests/wire/ahead guests/wire/table guests/wire/reading
        guests/wire/registry wire
    """,
    "jitvm.guests.wire.decoder": """
        engine/codegen/__init__ engine/host/addresses engine/memory/arena engine/memory/cache
        engine/codegen/kernels engine/memory/shown guests/wire/feed guests/wire/mapped
        guests/wire/messages engine/interpreter/__init__ engine/interpreter/unit
        engine/memory/fingerprint engine/interpreter/installed engine/machine/__init__
        engine/tables/status engine/machine/porttables engine/machine/warmup
        guest/numbers engine/machine/devices engine/machine/native engine/machine/machine
        guests/wire/batch guests/wire/order guests/wire/choice guests/wire/vm/__init__
        guests/wire/vm/operands guests/wire/vm/described guests/wire/vm/values
        guests/wire/vm/fields guests/wire/vm/frames guests/wire/vm/packed guests/wire/vm/rows
        guests/wire/vm/strays guests/wire/instructions guests/wire/writer guests/wire/machines
        guests/wire/decoding guests/wire/asking guests/wire/nodes guests/wire/program
        engine/jit/__init__ engine/jit/shelf engine/jit/codetable
        engine/jit/image guests/wire/decoder
    """,
    "jitvm.guests.wire.arrow": """
        guests/wire/data guests/wire/formats guests/wire/finish guests/wire/arrow
    """,
}
"""Files of each group, by its head, without what they all begin and end with."""
WITH = {
    "jitvm.cli.run": (
        "jitvm.engine.jit.image", "jitvm.engine.jit.jit", "jitvm.engine.region.direct",
    ),
    "jitvm.guests.wire.decoder": ("jitvm.guests.wire.arrow",),
}  # fmt: skip
"""Groups that are written with another one: longer runs need them, while a guest waits."""
PACKAGE = __file__.rpartition("/")[0]
"""The folder that they begin with."""


def name_of(file: str) -> str:
    """The module in a file that is given as in `GROUPS`."""
    return "jitvm." + file.removesuffix("/__init__").replace("/", ".")


def path_of(file: str) -> str:
    """Where such a file is."""
    return f"{PACKAGE}/{file}.py"


# -- files ---------------------------------------------------------------------------------------


def file_of(head: str) -> str:
    """The name of a group's file in the cache folder."""
    from zlib import crc32

    return f"{head}-{crc32(_place_of(head)):08x}.code"


def _place_of(head: str) -> bytes:
    """What tells a group's file from those of other folders and other Pythons."""
    python = sys.version, sys.implementation.cache_tag, sys.flags.optimize, sys.pycache_prefix
    return dumps((head, PACKAGE, *python), 2)  # version 2: without references, always the same


def key_of(head: str) -> bytes:
    """What the file of a group has to be made from.

    Raises:
        OSError: a source is missing.
    """
    found: list[object] = [_place_of(head)]
    for file in GROUPS[head].split():
        status = stat(path_of(file))
        found += file, status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino
    return dumps(found, 2)


def members_in(data: bytes, key: bytes) -> list[Member] | None:
    """What a file has in it; None where it is no whole file of this key."""
    from zlib import adler32

    checked = len(MAGIC) + 4
    start = checked + 4 + len(key)
    if data[: len(MAGIC)] != MAGIC or data[checked + 4 : start] != key:
        return None
    whole = memoryview(data)
    if data[len(MAGIC) : checked] != adler32(whole[checked:]).to_bytes(4, "little"):
        return None
    members = loads(whole[start:])
    if not isinstance(members, list) or not all(map(_is_member, members)):
        return None
    return members


def _is_member(found: object) -> bool:
    match found:
        case (str(), code):
            return type(code) is type(_is_member.__code__)
    return False


def _members_of(head: str) -> list[Member] | None:
    """What is kept of a group; None where there is nothing of use."""
    try:
        data = _content_of(head)
        members = None if data is None else members_in(data, key_of(head))
    except (OSError, ValueError, EOFError, TypeError):
        return None
    return members if members and len(members) == len(GROUPS[head].split()) else None


def _content_of(head: str) -> bytes | None:
    """The file of a group; None where no folder is to be trusted.

    Raises:
        OSError: there is none that is.
    """
    from jitvm.engine.memory.cachefolder import content_of, default_folder, is_trusted

    folder = default_folder()
    if folder is None or not is_trusted(folder):
        return None
    return content_of(f"{folder}/{file_of(head)}")[0]


# -- modules -------------------------------------------------------------------------------------


class Uncollected:
    """A block in which much is imported: code is no garbage, and there is so much of it that Python
    would look for some often: a thirtieth of the time that NumPy and pyarrow take.

    Where two threads are at it, the first to end ends it for both; and it is over in a child that
    somebody forks meanwhile on another thread.
    """

    thread: ClassVar[int] = 0
    """The one that turned the collector off; 0: none."""

    def __enter__(self) -> None:
        self._was_on = gc.isenabled()
        if self._was_on:
            Uncollected.thread = get_ident()
            gc.disable()

    def __exit__(self, *_: object) -> None:
        if self._was_on:
            Uncollected._end()

    @staticmethod
    def _end() -> None:
        Uncollected.thread = 0
        gc.enable()

    @staticmethod
    def after_fork() -> None:
        """In a child: end what another thread has begun."""
        if Uncollected.thread not in (0, get_ident()):
            Uncollected._end()


register_at_fork(after_in_child=Uncollected.after_fork)


class _HeadLoader(SourceFileLoader):
    """Executes a head, and before it all others of its group, where they are prepared.

    They are read here and not by the finder: Python holds the lock of all imports while it asks
    finders, and whatever they import waits for locks of modules.
    """

    def exec_module(self, module: ModuleType) -> None:
        """See `importlib.abc.Loader`."""
        with Uncollected():
            members = _members_of(self.name)
            if members is None:
                PREPARED.missing.append(self.name)
                super().exec_module(module)
                return
            _execute(GROUPS[self.name].split()[:-1], members)
            exec(members[-1][1], module.__dict__)


class _MemberLoader(SourceFileLoader):
    """Executes one module, whose code may be prepared."""

    def get_code(self, name: str) -> CodeType | None:
        """See `importlib.abc.InspectLoader`."""
        return PREPARED.code_of(name) or super().get_code(name)


def _execute(files: list[str], members: list[Member]) -> None:
    """Import modules whose code is at hand, one after the other."""
    begun: dict[str, ModuleType] = {}
    rows = [(name_of(file), path_of(file), *each) for file, each in zip(files, members)]  # noqa: B905
    try:
        for name, path, cached, _ in rows:
            if path.endswith("/__init__.py") and name not in sys.modules:  # before what is in it
                begun[name] = _module(name, path, cached)
        for name, path, cached, code in rows:
            if name not in begun:
                if name in sys.modules:
                    continue
                begun[name] = _module(name, path, cached)
            module, (parent, _, child) = begun[name], name.rpartition(".")
            if parent not in sys.modules:
                __import__(parent)
            exec(code, module.__dict__)
            del begun[name]
            setattr(sys.modules[parent], child, module)
    finally:
        for name in begun:
            sys.modules.pop(name, None)


def _module(name: str, path: str, cached: str) -> ModuleType:
    """A new module, as Python has it before it is executed."""
    spec = _spec(name, SourceFileLoader(name, path), cached)
    module = sys.modules[name] = type(sys)(name)
    module.__spec__, module.__loader__, module.__package__ = spec, spec.loader, spec.parent
    module.__file__ = path
    module.__cached__ = cached  # type: ignore[attr-defined]
    if (inside := spec.submodule_search_locations) is not None:
        module.__path__ = inside
    return module


def _spec(name: str, loader: SourceFileLoader, cached: str | None = None) -> ModuleSpec:
    path = loader.path
    spec = ModuleSpec(name, loader, origin=path)
    spec.has_location, spec.cached = True, cached
    if path.endswith("/__init__.py"):
        spec.submodule_search_locations = [path.rpartition("/")[0]]
    return spec


class Prepared:
    """A finder of heads, for `sys.meta_path`.

    Attributes:
        missing: heads that had to be imported as others are.
        apart: threads of jitvm's own that import none of its modules: they wait for none.
    """

    def __init__(self) -> None:
        self.missing: list[str] = []
        self.apart: set[int] = set()
        self._asked: set[str] = set()
        self._files: dict[str, tuple[str, str]] = {}
        self._codes: dict[str, dict[str, CodeType]] = {}

    def find_spec(
        self, name: str, _path: Sequence[str] | None = None, _target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """See `importlib.abc.MetaPathFinder`; None for what Python has to find."""
        if count_of_threads() > len(self.apart):
            return self._find_member(name) if name.startswith("jitvm.") else None
        if name not in GROUPS or name in self._asked:
            return None
        self._asked.add(name)
        path = path_of(GROUPS[name].split()[-1])
        return spec_from_file_location(name, path, loader=_HeadLoader(name, path))

    def _find_member(self, name: str) -> ModuleSpec | None:
        if not self._files:
            self._files = {
                name_of(file): (head, path_of(file))
                for head, files in reversed(GROUPS.items())  # what is in two counts for the first
                for file in files.split()
            }
        if name not in self._files or name in self._asked:
            return None
        self._asked.add(name)
        return _spec(name, _MemberLoader(name, self._files[name][1]))

    def code_of(self, name: str) -> CodeType | None:
        """What a module is executed from, once; None where it is not prepared.

        Threads that get here at the same time read the same file, each its own modules of it.
        """
        head = self._files[name][0]
        codes = self._codes.get(head)
        if codes is None:
            members = _members_of(head)
            if members is None:
                if head not in self.missing:
                    self.missing.append(head)
                members = []
            files = GROUPS[head].split()
            codes = {name_of(file): code for file, (_, code) in zip(files, members)}  # noqa: B905
            self._codes[head] = codes
        return codes.pop(name, None)


PREPARED = Prepared()


def install() -> None:
    """Have this process find what is prepared, where jitvm's sources are files."""
    spec = sys.modules["jitvm"].__spec__
    if spec is None or type(spec.loader) is not SourceFileLoader:
        return
    if BuiltinImporter in sys.meta_path:
        sys.meta_path.insert(sys.meta_path.index(BuiltinImporter), PREPARED)
