"""What a core computes of its arguments alone, on Python integers: a part of the oracle."""

from __future__ import annotations

TYPE_CHECKING = False  # known to type checkers
if TYPE_CHECKING:
    from jitvm.guest.core import Word


class Arithmetic:
    """Those methods of a `jitvm.guest.core.Core` that touch no state."""

    def select(self, condition: Word, yes: Word, no: Word) -> Word:
        return yes if condition else no

    def signed(self, word: Word, size: int) -> Word:
        sign = 1 << (8 * size - 1)
        return ((word & (2 * sign - 1)) ^ sign) - sign

    def leading_zeros(self, word: Word, size: int) -> Word:
        count = 0
        while count < 8 * size and not word >> (8 * size - 1 - count) & 1:
            count += 1
        return count

    def trailing_zeros(self, word: Word, size: int) -> Word:
        count = 0
        while count < 8 * size and not word >> count & 1:
            count += 1
        return count

    def swap_bytes(self, word: Word, size: int) -> Word:
        swapped = 0
        for i in range(size):
            swapped = swapped << 8 | (word >> 8 * i & 0xFF)
        return swapped

    def divide(self, dividend: Word, divisor: Word, by_zero: int) -> Word:
        return dividend // divisor if divisor else by_zero
