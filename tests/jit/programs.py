"""Small programs, one for each thing that regions must get right.

Each halts after some thousand instructions, with its results in memory or on the stacks. The name
says what is special about it.
"""

from __future__ import annotations

from typing import Final


def loop(body: str, times: int = 0x400, before: str = "", after: str = "") -> str:
    """A program that executes a body some times, with `n` counting and some variables."""
    return f"""
        |0000 @n $2 @sum $2 @total $1 @cell $1 @least $1
        |0100 {before} @loop {body}
          .n LDZ2 INC2 DUP2 .n STZ2 #{times:04x} LTH2 ?loop BRK {after}"""


PROGRAMS: Final[dict[str, str]] = {
    "counting": "|0100 #0000 @loop INC2 DUP2 #1000 LTH2 ?loop BRK",
    "byte counter of relative jumps": "|0100 #00 @loop INC DUP #f0 NEQ ,loop JCN BRK",
    "joins: both arms of a branch": """
        |0000 @seed $2 @odd $2 @even $2
        |0100 #0800
        @loop
          .seed LDZ2 #6255 MUL2 #3619 ADD2 DUP2 .seed STZ2 #0c SFT NIP #01 AND ?odd-arm
            .even LDZ2 INC2 .even STZ2 !both
          @odd-arm
            .odd LDZ2 .seed LDZ2 ADD2 .odd STZ2
          @both
          #0001 SUB2 ORAk ?loop
        BRK""",
    "three nested loops": """
        |0000 @sum $2
        |0100 #00 @outer #00 @middle #00 @inner
          .sum LDZ2k #0003 ADD2 ROT STZ2
          INC DUP #10 NEQ ?inner POP INC DUP #10 NEQ ?middle POP INC DUP #10 NEQ ?outer BRK""",
    "calls in calls of three kinds": """
        |0000 @sum $2
        |0100 #0000 @loop DUP2 first .sum LDZ2 ADD2 .sum STZ2 INC2 DUP2 #0400 LTH2 ?loop BRK
        @first ;second JSR2 INC2 JMP2r
        @second ,third JSR DUP2 ADD2 JMP2r
        @third #00ff AND2 !fourth
        @fourth INC2 JMP2r""",
    "data on the return stack": """
        |0100 #0000 LIT2r 0000 @loop
          STH2k POPr ADDr STH2kr POP2 INC2 DUP2 #0400 LTH2 ?loop STH2r BRK""",
    "fibonacci": """
        |0100 #00 #0f fib BRK
        @fib DUP #02 LTH ?base DUP #01 SUB fib SWP #02 SUB fib ADD JMP2r @base JMP2r""",
    "ackermann": """
        |0100 #02 #05 ack BRK
        @ack ( m n -- a ) OVR ?more NIP INC JMP2r
        @more DUP ?most POP #01 SUB #01 !ack
        @most OVR #01 SUB STH #01 SUB ack STHr SWP !ack""",
    "recursion around the return stack": """
        |0000 @fuel $2
        |0100 #30 @again #c8 down POP #01 SUB DUP ?again BRK
        @down DUP ?deeper JMP2r
        @deeper #01 SUB down .fuel LDZ2k INC2 ROT STZ2 .fuel LDZ2 #2000 GTH2 ?stop JMP2r
        @stop BRK""",
    "a switch through a table": loop(
        """
          .n LDZ2 #0003 AND2 DUP2 ADD2 ;table ADD2 LDA2 JMP2
          @one #01 !plus @two #05 !plus @three #11 !plus @four #2a
          @plus .total LDZ ADD .total STZ""",
        after="@table =one =two =three =four",
    ),
    "calls through a table": loop(
        """
          .total LDZ #00 .n INC LDZ #01 AND DUP ADD ;table ADD2 LDA2 JSR2 .total STZ""",
        after="@table =plus =times @plus #03 ADD JMP2r @times #05 MUL JMP2r",
    ),
    "computed skips": loop("""
          .n INC LDZ DUP ADD .total LDZ GTHk JMP SWP POP .total STZ
          .n INC LDZ #5a EOR .least LDZ LTHk JMP SWP POP .least STZ"""),
    "cells of both widths": """
        |0000 @word $2 @byte $1
        |0100 #0400 .word STZ2 @loop
          .word INC LDZ .byte LDZ ADD .byte STZ
          .word LDZ2 #0001 SUB2 .word STZ2
          .word LDZ .word INC LDZ ORA ?loop BRK""",
    "variables in operands": """
        |0100 @loop
          [ LIT2 @count 0000 ] INC2 DUP2 ;count STA2
          [ LIT @sum 00 ] ADD ADD ,sum STR
          ;count LDA2 #0800 LTH2 ?loop BRK""",
    "stores through addresses that run over cells": loop("""
          .total LDZ .cell LDZ ADD .least LDZ ADD INC
          #00 .n INC LDZ #03 AND #03 ADD STA"""),
    "stores through addresses that run over cells which are written, too": loop("""
          .total LDZ INC DUP .total STZ .cell LDZ ADD DUP .cell STZ .least LDZ ADD DUP .least STZ
          #00 .n INC LDZ #03 AND #03 ADD STA"""),
    "stores to the ends of pages": loop("""
          .sum LDZ2 .n LDZ2 ADD2 DUP2 .sum STZ2 #fe STZ2 #ff LDZ .cell LDZ ADD .cell STZ
          .n LDZ2 #fffe STA2 #fffe LDA2 NIP .total LDZ EOR .total STZ"""),
    "accesses that wrap": loop(
        """
          .n LDZ2 INC2 .sum STZ2 #1234 .sum LDZ2 EOR2 #ff STZ2 #ff LDZ2 .sum STZ2
          #ffff LDA2 .sum LDZ2 ADD2 #00 .n INC LDZ #01 AND #fffe ADD2 STA2
          #00 .cell STZ #00 .n STZ""",
        0x100,
    ),
    "an opcode rewritten each time": loop(
        """
          .n INC LDZ #01 AND #38 ADD ;op STA
          .sum LDZ2 #0003 @op ADD2 .sum STZ2""",
        0xC00,
    ),
    "an opcode rewritten once": loop(
        """
          .n LDZ2 #0600 EQU2 ?patch @on .sum LDZ2 #0003 @op ADD2 .sum STZ2""",
        0xC00,
        after="@patch LIT SUB2 ;op STA !on",
    ),
    "the next opcode rewritten": loop("""
          .total LDZ #05 #18 .n INC LDZ #01 AND ADD ,op STR @op BRK .total STZ"""),
    "a jump's distance rewritten": loop(
        """
          .n INC LDZ #01 AND ;jump INC2 INC2 STA
          .total LDZ @jump !one INC @one INC .total STZ""",
        before="#00 ;jump INC2 STA",
    ),
    "the target of a call rewritten": loop(
        """
          .n INC LDZ #7f AND ?same
            ;target LDA2 [ LIT2 @other =two ] ;target STA2 ;other STA2
          @same .total LDZ [ LIT2 @target =one ] JSR2 .total STZ""",
        after="@one INC JMP2r @two #03 ADD JMP2r",
    ),
    "generated code, rewritten now and then": loop(
        """
          .n INC LDZ #3f AND ?made
            LIT LIT #2000 STA .n LDZ #2001 STA LIT ADD #2002 STA LIT JMP2r #2003 STA
          @made .total LDZ #2000 JSR2 .total STZ""",
        0x800,
    ),
    "generated code across the end of memory": """
        |0001 @m $2 @sum $1
        |0100 LIT LIT #fffe STA #07 #ffff STA LIT JMP2r #0000 STA
          @loop #fffe JSR2 .sum LDZ ADD .sum STZ
          .m LDZ2 INC2 DUP2 .m STZ2 #0400 LTH2 ?loop BRK""",
    "code in the zero page": loop(
        """
          .total LDZ #0020 JSR2 .total STZ .n INC LDZ #21 STZ""",
        before="#8005 #20 STZ2 LIT ADD #22 STZ LIT JMP2r #23 STZ",
    ),
    "a region that overwrites itself": loop(
        """
          .n LDZ2 #0300 EQU2 ?hit @on .sum LDZ2 @victim INC2 INC2 .sum STZ2""",
        0x600,
        after="@hit LIT POP2k ;victim .n INC LDZ #00 SWP ADD2 STA !on",
    ),
    "division, shifts, flags": loop("""
          .n LDZ2 DUP #10 SFT2 .sum LDZ2 ADD2 #0007 DIV2 .n LDZ2 #0000 DIV2 ORA2
          .n INC LDZ #9c OVR SFT #00 SWP EOR2 .n LDZ2 .n INC LDZ SFT2 ADD2 .sum STZ2"""),
    "a stack that grows through its end": loop("#05"),
    "a stack that shrinks through its end": loop("POP2r"),
    "plain and logged ports": loop("""
          .n INC LDZ DUP #20 DEO #20 DEI INC #21 DEO #20 DEI2 #22 DEO2 #18 DEO"""),
    "computed ports": loop("""
          .n LDZ2 #03 AND #18 ADD DEO .n INC LDZ #07 AND #20 ADD DEI .total STZ"""),
    "computed ports of devices that interfere": loop(
        """
          #11 #22 #40 LDZ DEI #03 SUB #40 LDZ DEO #05 DEI #41 LDZ DEO #40 LDZ DEI2 .sum STZ2
          .n INC LDZ #03 AND #64 ADD DEI .cell LDZ ADD .total LDZ ADD .total STZ""",
        0x600,
        before="#0005 #64 DEO2 #0405 #40 STZ2",
    ),
    "ports that turn out to be constants": """
        |0000 @n $2
        |0100 #20 STH @loop .n LDZ2 DUP2 STHkr #08 ADD DEO2 STHkr #0a ADD DEO2 #01 STHkr #0e ADD DEO
          STHkr #09 ADD DEI POP .n LDZ2 INC2 DUP2 .n STZ2 #0800 LTH2 ?loop POPr BRK""",
    "a device that moves a pointer": loop("""
          #11 #22 #04 DEI #03 SUB #04 DEO #05 DEI #05 DEO #04 DEI2 .sum STZ2"""),
    "a device that writes code": loop(
        """
          .n INC LDZ #3f AND ?same ;op #64 DEO2 .n INC LDZ #06 SFT #01 AND #38 ADD #66 DEO @same
          .sum LDZ2 #0003 @op ADD2 .sum STZ2""",
        0x600,
    ),
    "a device that writes a variable": loop(
        """
          .cell LDZ #67 DEI ADD .cell LDZ ADD .total LDZ ADD .total STZ""",
        before="#0005 #64 DEO2",
    ),
}
