"""Projectors: from messages, however they come, to messages.

    Projector (schema, options) ── per thread ──> a machine
       project(messages)     ──> Projected        all at once
       save(source, path)    ──> a file           piece by piece, in constant memory

What messages become lies in *pieces*, as what writers write. In a piece

    0  where each row begins ...              BEGIN  messages, one behind the other ...
"""

from __future__ import annotations

from bisect import bisect_right
from contextlib import contextmanager, suppress

from jitvm.engine.memory.block import BlockError
from jitvm.guests.wire.ahead import open_ahead
from jitvm.guests.wire.anew import varint
from jitvm.guests.wire.buffers import ADDRESS_BITS, MAX_NARROW
from jitvm.guests.wire.encode.encoded import Piece, Pieces
from jitvm.guests.wire.faults import ERRORS, Fault, MessagesError, StreamError
from jitvm.guests.wire.pace import Pace
from jitvm.guests.wire.pool import POOL
from jitvm.guests.wire.project.passing import Bad
from jitvm.guests.wire.project.plain import PlainProjection
from jitvm.guests.wire.project.projection import LARGEST, Projection
from jitvm.guests.wire.project.selection import Selection
from jitvm.guests.wire.reading import STREAM_ROWS, DecodeError, feeding, refused
from jitvm.guests.wire.table import RowError
from jitvm.guests.wire.writer import ProgramError

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Any

    from jitvm.engine.machine.machine import Machine
    from jitvm.guests.wire.messages import Messages
    from jitvm.guests.wire.project.canonical import Canonical
    from jitvm.guests.wire.project.projection import Run
    from jitvm.guests.wire.reading import Progress
    from jitvm.guests.wire.schema import Message
    from jitvm.platform import Program

BEGIN = 1 << 30
"""Address in a piece where messages begin: below it there are 4 bytes a row."""
ROWS, BYTES = 1 << 18, 64 << 20
"""Messages of a batch at most, and bytes of them, if none is larger."""
HEAD = 5
"""Bytes of a length in front of a message at most."""


class Projected(Pieces):
    """Messages that were made of messages, in their order.

    Attributes:
        errors: messages that could not be read, of which nothing, or null, is here.
    """

    def __init__(self, pieces: Sequence[Piece], errors: list[RowError]) -> None:
        super().__init__(pieces)
        self.errors = errors

    def __iter__(self) -> Iterator[bytes | None]:
        return iter(self.to_list())

    def __getitem__(self, index: int) -> bytes | None:
        """One message; None where it is null.

        Raises:
            IndexError: there is none.
        """
        return self.one(index)

    def to_list(self) -> list[bytes | None]:
        """A list of them; None for those that are null."""
        return self.listed()


class _Open:
    """A piece while it is filled."""

    def __init__(self) -> None:
        self.space = POOL.take(1 << ADDRESS_BITS[0])
        self.row, self.cursor = 0, BEGIN
        self.nulls: list[int] = []
        self._note()

    def has_room(self, rows: int, size: int) -> bool:
        """Whether so many messages of so many bytes fit."""
        is_long = self.cursor - BEGIN + size + HEAD * rows > MAX_NARROW
        return not (is_long or 4 * (self.row + rows + 1) > BEGIN) or not self.row

    def put(self, message: bytes) -> None:
        """Put a message here."""
        self.space.write(self.cursor, message)
        self.cursor += len(message)
        self.row += 1
        self._note()

    def put_null(self) -> None:
        """Put null here."""
        self.nulls.append(self.row)
        self.put(b"")

    def _note(self) -> None:
        self.space.write(4 * self.row, self.cursor.to_bytes(4, "little"))

    def closed(self) -> Piece:
        """What is in it."""
        self.space.used(self.cursor - BEGIN + 4 * self.row)
        return Piece.of(self.space, BEGIN, self.cursor, 0, self.row, self.nulls)


class Projector:
    """Makes messages of messages of one type; it may be kept, pickled, and used on several threads.

    Args:
        message: the type.
        keep, drop, where, errors, unknown, canonical: see `jitvm.wire.projector`.

    Attributes:
        message, errors: the same; `is_canonical`: whether messages are written in canonical form.
        selection: what is kept.
        canonical: what writes them so, if it can be done in bulk.
    """

    def __init__(
        self,
        message: Message,
        *,
        keep: Sequence[str] | None = None,
        drop: Sequence[str] = (),
        where: str | None = None,
        errors: str = "raise",
        unknown: bool | None = None,
        canonical: bool = False,
    ) -> None:
        if errors not in ERRORS:
            raise ValueError(f"errors={errors!r}: choose from {', '.join(ERRORS)}")
        open_ahead()
        self.message = message
        self.errors = errors
        self._options: dict[str, Any] = {
            "keep": keep if keep is None or isinstance(keep, str) else tuple(keep),
            "drop": drop if isinstance(drop, str) else tuple(drop),
            "where": where, "unknown": unknown, "canonical": canonical,
        }  # fmt: skip
        condition = None
        if where is not None:
            from jitvm.guests.wire.where import parse

            condition = parse(where, message)
        keep, drop = self._options["keep"], self._options["drop"]
        if canonical and unknown is None:
            unknown = keep is None
        self.selection = Selection(message, keep, drop, condition, unknown, is_parted=not canonical)
        self.canonical: Canonical | None = None
        self.is_canonical = canonical
        if canonical:
            from jitvm.guests.wire.project.canonical import Canonical, NoColumns

            with suppress(NoColumns):
                self.canonical = Canonical(self.selection, where, errors)
        self._made: dict[bool, Projection | None] = {}
        self._pace = Pace()

    def __getstate__(self) -> dict[str, Any]:
        return {"message": self.message, "errors": self.errors, **self._options}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(**state)  # type: ignore[misc]

    def __repr__(self) -> str:
        said = "".join(f", {name}={value!r}" for name, value in self._options.items() if value)
        return f"<Projector of {self.message.full_name}{said}, errors={self.errors!r}>"

    # -- messages --------------------------------------------------------------------------------

    def project(
        self,
        messages: Any,
        lengths: Any = None,
        *,
        framing: str | None = None,
        delimited: bool = False,
    ) -> Projected:
        """What is kept of some messages.

        Args:
            messages, lengths, framing: as for `Reader.read`.
            delimited: whether each message comes behind its length (a varint), as in files.

        Raises:
            DecodeError: a message cannot be read, and `errors` is ``"raise"``; or the lengths in a
                buffer are wrong.
            MessagesError: lengths do not fit, or messages are framed in another way.
            TypeError: `messages` holds none.
            PoolError: the system refused memory.
        """
        from jitvm.guests.wire.feed import BrokenFraming
        from jitvm.guests.wire.messages import taken

        work = _Work(self, delimited)
        with feeding() as feed, work.running():
            try:
                for piece in taken(messages, lengths, framing, feed=feed):
                    work.add(piece)
            except BrokenFraming:
                raise DecodeError(RowError(work.seen, 0, "", Fault.FRAME)) from None
        return Projected(work.finished(), work.errors)

    def save(
        self,
        source: Any,
        path: Any,
        *,
        compression: str | None = None,
        progress: Callable[[Progress], object] | None = None,
    ) -> tuple[int, list[RowError]]:
        """What is kept of the messages of a stream, to a file, piece by piece, in constant memory:
        each behind its length, there and here. The file is put in its place when it is complete.

        Args:
            source, compression, progress: as for `Reader.stream`; no iterable.
            path: where; `.gz` and `.zst` are compressed. Or an object with `write`.

        Returns:
            How many messages were written, and what could not be read.

        Raises:
            DecodeError, PoolError: as `project` does; then the file is as it was, or not there.
            StreamError: the source cannot be opened, is damaged, or ends within a message; or what
                compresses the file is not installed.
            OSError: one of both cannot be read, or written.
        """
        from jitvm.guests.wire.encode.files import Target
        from jitvm.guests.wire.feed import BrokenFraming, CutOff
        from jitvm.guests.wire.messages import streamed
        from jitvm.guests.wire.reading import Progress
        from jitvm.guests.wire.streams import opened

        pace = self._pace.with_rows(STREAM_ROWS)
        rows = 0
        with opened(source, compression) as stream, Target(path) as target, feeding() as feed:
            work = _Work(self, True, stream.file)
            state = Progress(stream.size)
            try:
                for piece in streamed(stream, feed, pace):
                    with work.running():
                        work.add(piece)
                    for done in work.finished():
                        target.write(done.data)
                        rows += len(done)
                    state.bytes, state.rows, state.messages = stream.place, rows, work.seen
                    state.errors = len(work.errors)
                    if progress is not None:
                        progress(state)
            except CutOff:
                raise StreamError(
                    f"{stream.name} ends in the middle of message {work.seen}"
                ) from None
            except BrokenFraming:
                wrong = RowError(work.seen, 0, "", Fault.FRAME, stream.file)
                raise DecodeError(wrong) from None
        return rows, work.errors

    def explained(self) -> tuple[Machine, Program]:
        """The machine that has projected most natively, and its program; see `jitvm.wire.explain`.

        Raises:
            ValueError: nothing was projected natively yet.
        """
        from jitvm.guests.wire.listing import explained

        return explained([each for each in self._made.values() if each is not None], self.message)

    def listing(self) -> str:
        """The program that projects messages, as text with the names of fields; empty where they
        are projected by Python, or by way of columns."""
        from jitvm.guests.wire.listing import WirePlatform, listing

        made = self.made(False)
        if made is None:
            return ""
        platform = WirePlatform(made.guest, made.program.instructions)
        return listing(made.program, self.message.full_name, platform)

    def takes(self, projection: Projection) -> None:
        """Have it project by this."""
        self._made[projection.is_delimited] = projection

    def made(self, is_delimited: bool) -> Projection | None:
        """What projects natively; None where the VM cannot do it, or where it has no part in it."""
        if self.is_canonical:
            return None
        if is_delimited not in self._made:
            found = None
            with suppress(ProgramError):
                found = Projection(self.selection, is_delimited=is_delimited)
            self._made[is_delimited] = found
        return self._made[is_delimited]


class _Work:
    """The messages of one call.

    Args:
        projector: whose.
        is_delimited: whether the length of each stands in front of it.
        file: where they come from.

    Attributes:
        seen: messages that were looked at.
        errors: those that could not be read.
    """

    def __init__(self, projector: Projector, is_delimited: bool, file: str = "") -> None:
        if is_delimited and projector.errors == "null":
            raise MessagesError("messages behind their lengths cannot be null; pass errors='skip'")
        self._projector = projector
        self._file = file
        self._is_delimited = is_delimited
        self._made = projector.made(is_delimited)
        self._plain = PlainProjection(projector.selection, is_canonical=projector.is_canonical)
        self._full: list[Piece] = []
        self._open: _Open | None = None
        self._run: Run | None = None
        self.seen = 0
        self.errors: list[RowError] = []

    @contextmanager
    def running(self) -> Iterator[None]:
        """While messages are added."""
        try:
            if self._made is not None:
                self._run = self._made.run()
            yield
        except BlockError as error:
            raise refused(error) from None
        finally:
            if self._run is not None and self._made is not None:
                self._made.back(self._run)
                self._run = None

    def finished(self) -> list[Piece]:
        """All that was written since it was last asked for."""
        if self._open is not None:
            self._full.append(self._open.closed())
            self._open = None
        found, self._full = self._full, []
        return found

    def add(self, piece: Messages) -> None:
        """Project some messages."""
        data, offsets = piece.data, piece.offsets
        first, last = 0, len(offsets) - 1
        while first < last:
            behind = min(first + ROWS, last)
            end = bisect_right(offsets, offsets[first] + BYTES, first, behind + 1) - 1
            end = max(end, first + 1)
            end, is_broken = _rising(offsets, first, end, len(data))
            self._batch(piece, first, end)
            self.seen += end - first
            first = end
            if is_broken:
                raise DecodeError(RowError(self.seen, 0, "", Fault.FRAME, self._file))

    def _batch(self, piece: Messages, first: int, last: int) -> None:
        data, offsets = piece.data, piece.offsets
        if self._projector.canonical is not None and self._put_in_order(piece, first, last):
            return
        if self._made is not None:
            self._made.look(data, offsets, first, last)
        at = first
        while at < last:
            size = offsets[last] - offsets[at]
            if self._open is None or not self._open.has_room(last - at, size):
                if self._open is not None:
                    self._full.append(self._open.closed())
                self._open = _Open()
            out = self._open
            if self._run is not None and size <= LARGEST:
                self._run.show(out.space)
                at, out.row, out.cursor = self._run.project(
                    data, offsets, at, last, out.row, out.cursor
                )
            if at < last:
                self._odd(out, piece, at, self.seen + at - first)
                at += 1

    def _put_in_order(self, piece: Messages, first: int, last: int) -> bool:
        """Write messages in canonical form; whether nothing has to be told of one of them that only
        somebody knows who understands it."""
        assert self._projector.canonical is not None
        try:
            found, errors = self._projector.canonical.written(
                piece, first, last, delimited=self._is_delimited
            )
        except Bad:
            return False
        except DecodeError as error:
            raise DecodeError(error.error.moved(self.seen, self._file)) from None
        self._full += found
        self.errors += [each.moved(self.seen, self._file) for each in errors]
        return True

    def _odd(self, out: _Open, piece: Messages, at: int, number: int) -> None:
        """A message that the program could not read."""
        message = piece.data[piece.offsets[at] : piece.offsets[at + 1]]
        try:
            if at in piece.nulls:
                raise Bad(Fault.NULL, 0)
            if len(message) > LARGEST:
                raise Bad(Fault.SIZE, 0)
            found = self._plain.projected(message)
        except Bad as bad:
            error = RowError(number, bad.offset, bad.path or "", bad.fault, self._file)
            if self._projector.errors == "raise":
                raise DecodeError(error) from None
            self.errors.append(error)
            if self._projector.errors == "null":
                out.put_null()
            return
        if found is not None:
            out.put(varint(len(found)) + found if self._is_delimited else found)


def _rising(offsets: memoryview, first: int, last: int, size: int) -> tuple[int, bool]:
    """Up to which message offsets rise, and stay inside; and whether that is not the last."""
    import numpy as np

    some = np.asarray(offsets[first : last + 1])
    wrong = (some[1:] < some[:-1]) | (some[1:] > size)
    if not wrong.any():
        return last, False
    return first + int(wrong.argmax()), True
