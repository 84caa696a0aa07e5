"""--save-state and --load-state of ``jitvm run``: a run that is gone on with another time.

Signals that end a run come in between instructions otherwise, but also in between two lines of
Python that run the next vector or draw a picture. A run whose state is saved gets them only where
it can be gone on with (`Evaluator.on_check`).
"""

from __future__ import annotations

import os
import stat

from jitvm.cli.exits import Failure, unwritable
from jitvm.cli.outfile import Pending
from jitvm.engine.host.signals import ENDING
from jitvm.platform.device import StateError
from jitvm.playing.slot import Slot

TYPE_CHECKING = False  # known to type checkers; importing `typing` costs 4 ms at start
if TYPE_CHECKING:
    from argparse import Namespace
    from types import TracebackType
    from typing import Self

    from jitvm.platform.computer import Computer
    from jitvm.platform.input import Readable


class States(Slot):
    """The states of one run, for a ``with`` block that it is in.

    Args:
        arguments: of ``jitvm run``.
        computer: its computer, which has not run.
        stdin: its standard input.

    Raises:
        Failure: on entry, what is to be loaded cannot be, or the file cannot be written; in the
            end, likewise.
    """

    def __init__(self, arguments: Namespace, computer: Computer, stdin: Readable | None) -> None:
        super().__init__(computer, arguments.save_state, arguments.load_state)
        self._arguments = arguments
        self._stdin = _descriptor(stdin)
        self._begin = self._input_position() or 0
        self._pending: Pending | None = None
        self._is_holding = False

    def __enter__(self) -> Self:
        if self._arguments.load_state is not None:
            self._load_first(self._arguments.load_state)
        if self._arguments.save_state is not None:
            self._check()
            self._pending = Pending(self._arguments.save_state)
            ENDING.begin_hold()
            self._is_holding = True
            self._computer.evaluator.on_check = self._let_signals_in
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._computer.evaluator.on_check = None
        if self._pending is not None:
            self._pending.discard()
        if self._is_holding:
            self._is_holding = False
            ENDING.end_hold(raising=error is None)

    def _let_signals_in(self) -> None:
        if self._is_holding:
            self._is_holding = False
            ENDING.end_hold(raising=True)
            ENDING.begin_hold()
            self._is_holding = True

    # -- the state that it begins with -------------------------------------------------------

    def _load_first(self, path: str) -> None:
        from jitvm.platform.states import file

        try:
            saved = file.load(path, self._computer)
        except StateError as error:
            raise Failure(f"--load-state {error}") from error
        if saved.input_at is not None and self._input_position() is not None:
            assert self._stdin is not None
            os.lseek(self._stdin, saved.input_at, os.SEEK_SET)
            self._begin = saved.input_at

    # -- and the one it ends with ------------------------------------------------------------

    def _check(self) -> None:
        from jitvm.platform.states.whole import check

        try:
            check(self._computer.machine.guest)
        except StateError as error:
            raise Failure(f"--save-state: {error}") from error

    def end(self) -> None:
        """Write the state that the run has come to.

        Raises:
            Failure: it cannot be written.
        """
        if self._pending is None:
            return
        from jitvm.platform.states import file

        with ENDING.held():
            try:
                data = file.packed(self._computer, self.input_at)
                with open(self._pending.beside, "wb") as target:
                    target.write(data)
            except StateError as error:
                raise Failure(f"--save-state: {error}") from error
            except OSError as error:
                raise unwritable(f"--save-state {self._pending.path}", error) from error
            self._pending.commit()

    # -- standard input ----------------------------------------------------------------------

    @property
    def input_at(self) -> int | None:
        """How far standard input was read, if it is a file."""
        now = self._input_position()
        if now is None or self.input_taken is None:
            return now
        return self._begin + self.input_taken

    def _input_position(self) -> int | None:
        if self._stdin is None or not stat.S_ISREG(os.fstat(self._stdin).st_mode):
            return None
        return os.lseek(self._stdin, 0, os.SEEK_CUR)


def _descriptor(stream: Readable | None) -> int | None:
    try:
        return None if stream is None else stream.fileno()  # type: ignore[attr-defined]
    except (AttributeError, OSError):
        return None
