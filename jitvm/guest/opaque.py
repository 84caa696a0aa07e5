"""Words without a value, on which semantic functions run while they are checked.

A word knows how many low bits it may have (0: only its low bits are meaningful, see rule 2 of
`jitvm.guest.core`), its number in its run, and the run. The run checks every operator; any other
use of a word in Python is rejected here, with advice on what to write instead. Attributes end in an
underscore, so any other attribute that a function accesses is a mistake.
"""

from __future__ import annotations

TYPE_CHECKING = False  # known to type checkers
if TYPE_CHECKING:
    from typing import Any, NoReturn, Protocol

    class Run(Protocol):
        """Whose words they are: a function at work; see `jitvm.guest.checker`."""

        def combine(self, op: str, left: object, right: object) -> Word:
            """The word that an operator gives."""

        def refuse(self, message: str) -> NoReturn:
            """Raise for a broken rule."""


class Word:
    """A word that knows only its width. Operators build further words of the same run."""

    __slots__ = ("bits_", "number_", "run_")

    def __init__(self, run: Run, bits: int, number: int) -> None:
        self.run_ = run
        self.bits_ = bits
        self.number_ = number

    # -- operators ---------------------------------------------------------------------------

    __array_ufunc__ = None  # a number of NumPy leaves the operator to the word, which refuses it

    def __add__(self, other: object) -> Word:
        return self.run_.combine("add", self, other)

    def __radd__(self, other: object) -> Word:
        return self.run_.combine("add", other, self)

    def __sub__(self, other: object) -> Word:
        return self.run_.combine("sub", self, other)

    def __rsub__(self, other: object) -> Word:
        return self.run_.combine("sub", other, self)

    def __mul__(self, other: object) -> Word:
        return self.run_.combine("mul", self, other)

    def __rmul__(self, other: object) -> Word:
        return self.run_.combine("mul", other, self)

    def __and__(self, other: object) -> Word:
        return self.run_.combine("and", self, other)

    def __rand__(self, other: object) -> Word:
        return self.run_.combine("and", other, self)

    def __or__(self, other: object) -> Word:
        return self.run_.combine("or", self, other)

    def __ror__(self, other: object) -> Word:
        return self.run_.combine("or", other, self)

    def __xor__(self, other: object) -> Word:
        return self.run_.combine("xor", self, other)

    def __rxor__(self, other: object) -> Word:
        return self.run_.combine("xor", other, self)

    def __lshift__(self, other: object) -> Word:
        return self.run_.combine("shl", self, other)

    def __rlshift__(self, other: object) -> Word:
        return self.run_.combine("shl", other, self)

    def __rshift__(self, other: object) -> Word:
        return self.run_.combine("shr", self, other)

    def __rrshift__(self, other: object) -> Word:
        return self.run_.combine("shr", other, self)

    def __eq__(self, other: object) -> Word:  # type: ignore[override]
        return self.run_.combine("eq", self, other)

    def __ne__(self, other: object) -> Word:  # type: ignore[override]
        return self.run_.combine("ne", self, other)

    def __lt__(self, other: object) -> Word:
        return self.run_.combine("lt", self, other)

    def __gt__(self, other: object) -> Word:
        return self.run_.combine("lt", other, self)

    def __le__(self, other: object) -> Word:
        return self.run_.combine("le", self, other)

    def __ge__(self, other: object) -> Word:
        return self.run_.combine("le", other, self)

    # -- what Python must not be asked -------------------------------------------------------

    def __bool__(self) -> bool:
        self.run_.refuse("asked Python whether a word is true; use select or jump_if")

    def __getattr__(self, name: str) -> Any:
        self.run_.refuse(f"asked a word for {name!r}; words have nothing but operators")

    def _number_of(self) -> NoReturn:
        self.run_.refuse(
            "words cannot do this: be an index, a range or the argument of int or float; what a "
            "word is, is known only when the instruction runs"
        )

    __index__ = __int__ = __float__ = __complex__ = _number_of

    def _text(self, _format: str = "") -> NoReturn:
        self.run_.refuse("asked Python for the text of a word; it is known only when it runs")

    __str__ = __repr__ = __format__ = _text

    def __hash__(self) -> int:
        self.run_.refuse("used a word as a key of a dict or in a set; use select")

    def _collection(self, *_: object) -> NoReturn:
        self.run_.refuse("took a word for a collection or a function; it is one number")

    __len__ = __iter__ = __getitem__ = __contains__ = __call__ = _collection

    def _division(self, *_: object) -> NoReturn:
        self.run_.refuse(
            "words cannot do this: / // % divmod; use divide, which says what there is by zero"
        )

    __truediv__ = __rtruediv__ = __floordiv__ = __rfloordiv__ = _division
    __mod__ = __rmod__ = __divmod__ = __rdivmod__ = _division

    def _unknown(self, *_: object) -> NoReturn:
        self.run_.refuse(
            "words cannot do this: they know + - * & | ^ << >> and comparisons, neither ** nor @, "
            "round nor abs"
        )

    __pow__ = __rpow__ = __matmul__ = __rmatmul__ = _unknown
    __pos__ = __abs__ = __round__ = __trunc__ = __floor__ = __ceil__ = _unknown

    def __neg__(self) -> NoReturn:
        self.run_.refuse("words cannot do this: unary -; write 0 - word")

    def __invert__(self) -> NoReturn:
        self.run_.refuse("words cannot do this: ~; write word ^ 0xff, with as many bits as it has")
