"""File/read and File/length as machine code: two port functions for all machines.

    read       hands out what `readahead` holds; uncommon cases go to Python: nothing or not
               enough left, an empty or a long read, a read over bytes that compiled code depends
               on, or over the end of memory, which the code map marks in the same way
    length     stores the word in the port page

A read that turns out to be an uncommon case halfway has stored its first bytes but not moved the
position; Python then stores the same bytes again.

They are hand-written LLVM text, as they are small and depend on the layout of machines throughout.
LLVM itself is imported only once: the code cache has them afterwards.
"""

from __future__ import annotations

from jitvm.engine.codegen import kernels
from jitvm.engine.host.process import ModuleLock
from jitvm.engine.host.threads import AMPLE_STACKS
from jitvm.engine.memory.arena import shared_arena
from jitvm.engine.memory.cache import CachedCode
from jitvm.engine.memory.layout import CODE, Layout
from jitvm.guests.uxn import UXN
from jitvm.guests.uxn.varvara.native import library
from jitvm.guests.uxn.varvara.readahead import END, LENGTH, LONGEST, POSITION, PYTHON
from jitvm.guests.uxn.varvara.words import FILE_WORDS, FILES, WORD

_KIND = "varvara-file"
_SUCCESS_BEFORE_READ = 0xAD - 0xA2
_SECOND_DEVICE = 0x10
"""The bit of a port that tells both devices apart."""
_lock = ModuleLock()
_installed: list[ReadCode] = []
_begun: list[bool] = []


class ReadCode:
    """The installed functions: their addresses."""

    __slots__ = ("_span", "length", "read")

    def __init__(self, code: CachedCode) -> None:
        self._span = shared_arena().install(code.machine_code)
        self.read = self._span.address + code.symbols["read"]
        self.length = self._span.address + code.symbols["length"]


def installed() -> ReadCode | None:
    """The functions, where this process has them."""
    return _installed[0] if _installed else None


def find() -> ReadCode | None:
    """The functions, where the cache has them and there is room; LLVM is not asked."""
    code = kernels.find(_KIND, text())
    try:
        return None if code is None else _install(code)
    except library.UNAVAILABLE:
        return None


def build() -> ReadCode:
    """Compile, keep and install the functions.

    Raises:
        ImportError: LLVM is not installed.
        NativeError: it refused the text.
        OSError, ArenaFull: there is no executable memory, or no room for them.
    """
    return _install(kernels.build(_KIND, text()))


def build_behind() -> None:
    """Have `build` done by another thread, at most once a process.

    The process waits for that thread at its end. Otherwise programs that end earlier than LLVM
    would begin anew each time and never have anything of it.
    """
    with _lock:
        if _begun:
            return
        _begun.append(True)
    from threading import Thread

    try:
        with AMPLE_STACKS:
            Thread(target=_try_to_build, name="jitvm-readcode", daemon=False).start()
    except RuntimeError:  # no more threads: reads go on through Python
        return


def _try_to_build() -> None:
    """Reads go on through Python where there is no LLVM or no room."""
    try:
        from jitvm.engine.codegen.native import NativeError
    except ImportError:
        return
    try:
        build()
    except (NativeError, *library.UNAVAILABLE):
        return


def _install(code: CachedCode) -> ReadCode:
    with _lock:
        if not _installed:
            _installed.append(ReadCode(code))
        return _installed[0]


def text() -> str:
    """The LLVM module. Each function is a port function as `Machine.on_write_native` has it."""
    layout = Layout(UXN)
    own = f"""\
  %row.at = getelementptr i8, ptr %base, i64 {layout.fields["data"]}
  %row = load ptr, ptr %row.at, align 8
  %device = and i64 %port, {_SECOND_DEVICE}
  %offset = mul i64 %device, {FILE_WORDS * WORD // _SECOND_DEVICE}
  %files = getelementptr i8, ptr %row, i64 {FILES * WORD}
  %words = getelementptr i8, ptr %files, i64 %offset
  %length.at = getelementptr i64, ptr %words, i64 {LENGTH}
  %page = getelementptr i8, ptr %base, i64 {layout.ports}
  %cell = getelementptr i8, ptr %page, i64 %port
  %high.at = getelementptr i8, ptr %cell, i64 -1
  %high.byte = load i8, ptr %high.at
  %high = zext i8 %high.byte to i64
  %shifted = shl i64 %high, 8
  %low = and i64 %byte, 255
  %word = or i64 %shifted, %low
"""
    return f"""\
define i64 @length(ptr %base, i64 %port, i64 %byte) #0 {{
start:
{own}  store i64 %word, ptr %length.at, align 8
  ret i64 0
}}

define i64 @read(ptr %base, i64 %port, i64 %byte) #0 {{
start:
{own}  %length = load i64, ptr %length.at, align 8
  %position.at = getelementptr i64, ptr %words, i64 {POSITION}
  %position = load i64, ptr %position.at, align 8
  %end.at = getelementptr i64, ptr %words, i64 {END}
  %end = load i64, ptr %end.at, align 8
  %left = sub i64 %end, %position
  %enough = icmp ule i64 %length, %left
  %last = sub i64 %length, 1
  %short = icmp ult i64 %last, {LONGEST}
  %plain = and i1 %enough, %short
  br i1 %plain, label %begin, label %python

begin:
  %source = inttoptr i64 %position to ptr
  %target = getelementptr i8, ptr %base, i64 %word
  %map = getelementptr i8, ptr %target, i64 {layout.code_map}
  br label %next

next:
  %i = phi i64 [ 0, %begin ], [ %following, %store ]
  %mark.at = getelementptr i8, ptr %map, i64 %i
  %mark = load i8, ptr %mark.at
  %code = and i8 %mark, {CODE}
  %free = icmp eq i8 %code, 0
  br i1 %free, label %store, label %python

store:
  %from = getelementptr i8, ptr %source, i64 %i
  %content = load i8, ptr %from
  %to = getelementptr i8, ptr %target, i64 %i
  store i8 %content, ptr %to
  %following = add i64 %i, 1
  %more = icmp ult i64 %following, %length
  br i1 %more, label %next, label %done

done:
  %moved = add i64 %position, %length
  store i64 %moved, ptr %position.at, align 8
  %success = getelementptr i8, ptr %cell, i64 {-_SUCCESS_BEFORE_READ}
  %count.high = lshr i64 %length, 8
  %count.first = trunc i64 %count.high to i8
  store i8 %count.first, ptr %success
  %success.low = getelementptr i8, ptr %success, i64 1
  %count.second = trunc i64 %length to i8
  store i8 %count.second, ptr %success.low
  ret i64 0

python:
  %python.at = getelementptr i64, ptr %words, i64 {PYTHON}
  %function = load ptr, ptr %python.at, align 8
  %result = call i64 %function(ptr %base, i64 %port, i64 %byte)
  ret i64 %result
}}

attributes #0 = {{ nounwind noimplicitfloat "no-builtins" "frame-pointer"="none" }}
"""
