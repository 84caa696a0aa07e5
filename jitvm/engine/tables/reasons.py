"""Every reason why compiled code is left, not made, or discarded, in one table.

A reason has the same name in the compiler, in events, on the command line and on the page. `what`
says what happened, `advice` what the author of the guest program can do about it.
"""

from __future__ import annotations

from jitvm.engine.tables.struct import Struct
from jitvm.guest.light import Enum


class Row(Struct, frozen=True):
    """One reason as people read it."""

    what: str
    advice: str


class Reason(Enum):
    """Why; the value is the row that explains it."""

    # -- exits of a region: control goes on elsewhere --------------------------------------------
    ENTRY = Row(
        "a stack pointer was too near its wrap to enter the region",
        "leave the stacks less full, or less empty, where the loop is entered",
    )
    DEEP = Row(
        "a stack pointer was too near its wrap for a part of the region",
        "leave the stacks less full, or less empty",
    )
    BRANCH = Row(
        "a branch went a way that was not recorded",
        "nothing; if it happens often the region grows to include it",
    )
    TARGET = Row(
        "a computed jump went to an address that was not recorded",
        "nothing; if it happens often the region grows to include it",
    )
    RETURN = Row(
        "a return to whoever called before the region was entered",
        "nothing; the caller's code goes on from there",
    )
    STORE = Row(
        "a store hit bytes that compiled code depends on",
        "keep data away from code; variables inside instructions are learned by themselves",
    )
    WRAP = Row(
        "a wide access ran over the end of its page",
        "keep two-byte variables from straddling the end of a page",
    )
    WINDOW = Row(
        "what a window shows ends near here",
        "show more at a time: the last bytes are interpreted",
    )
    EXPECTED = Row(
        "what an instruction expects was not so",
        "have programs that use the instruction for what is so less often use another",
    )
    PORT = Row(
        "a computed port had a device that an instruction decides by",
        "use constant port numbers",
    )
    HOST = Row(
        "a device changed the stack pointers, overwrote code or asked to stop",
        "nothing; devices may do that",
    )
    DEVICE = Row(
        "an instruction decides by what a device gives or leaves, so it is interpreted",
        "keep reads of such ports out of addresses, and apart from what moves a stack",
    )
    SWITCH = Row(
        "what an instruction does depends on a byte that is rewritten, so it is interpreted",
        "change the operands of instructions instead of the byte that says what they do",
    )
    POLL = Row("somebody interrupted the machine", "nothing")
    BUDGET = Row(
        "the instruction budget does not cover the next block", "nothing; counting is exact"
    )
    REWRITTEN = Row(
        "the next instruction is rewritten while the program runs",
        "change operands instead of opcodes: variables in operands stay compiled",
    )
    HALT = Row("the guest halted", "nothing")
    # -- where a region ends because of a limit --------------------------------------------------
    NODES = Row(
        "the region reached its limit of instructions",
        "raise the parameter `nodes` if the cut is in the middle of a hot loop",
    )
    RECURSION = Row(
        "a call inside itself reached the limit of inlined levels",
        "raise the parameter `recursion`",
    )
    DEPTH = Row(
        "the stack moved too far from where the region was entered", "raise the parameter `depth`"
    )
    DRIFT = Row(
        "a loop leaves the stack higher or lower each time round",
        "raise the parameter `depths` where it moves to and fro; else nothing: compiled code "
        "enters itself again with the new stack",
    )
    LINK = Row(
        "the way goes on in another region",
        "nothing; regions that matter are made again with such ways inside",
    )
    BREAK = Row(
        "somebody asked to stop at the next instruction",
        "remove the breakpoint; code before and after it goes on being compiled",
    )
    # -- nothing was compiled --------------------------------------------------------------------
    NO_LOOP = Row(
        "the recording shows nothing that comes back",
        "nothing; straight-line code is interpreted",
    )
    PASSING = Row(
        "nearly all that was recorded ran a few times at most, through many branches",
        "nothing; code that is passed through is interpreted",
    )
    UNSETTLED = Row(
        "the paths through the loop never came to agree on what is on the stacks",
        "this is a bug in jitvm; please report it",
    )
    COMPILER = Row("LLVM refused the region", "this is a bug in jitvm; please report it")
    ARENA = Row("there is no room for more code", "nothing; other code goes on running")
    # -- compiled code was thrown away -----------------------------------------------------------
    OVERWRITTEN = Row(
        "the guest overwrote an instruction of the region",
        "nothing; if it happens often the instruction is interpreted from then on",
    )
    CONNECTED = Row("a device was connected to a port", "connect devices before running")
    THRASH = Row(
        "code here was overwritten too often to be compiled again",
        "generate code less often, or raise the parameter `invalidations`",
    )
