"""What tests of the graphical devices share: the devices' labels, and small programs."""

from __future__ import annotations

DEVICES = """
|20 @Screen &vector $2 &width $2 &height $2 &auto $1 &pad $1 &x $2 &y $2 &addr $2 &pixel $1
    &sprite $1
|30 @Audio &vector $2 &position $2 &output $1 &pad $3 &adsr $2 &length $2 &addr $2 &volume $1
    &pitch $1
|80 @Controller &vector $2 &button $1 &key $1 &pad $1 &p2 $1 &p3 $1 &p4 $1
|90 @Mouse &vector $2 &x $2 &y $2 &state $1 &pad $3 &scrollx $2 &scrolly $2
|0100
"""

CONTROLLER_LOG = (
    DEVICES
    + """
    ;on-controller .Controller/vector DEO2 BRK
@on-controller ( -> )
    .Controller/button DEI .Console/write DEO .Controller/key DEI .Console/write DEO
    .Controller/p2 DEI .Console/write DEO .Controller/p3 DEI .Console/write DEO
    .Controller/p4 DEI .Console/write DEO BRK
"""
)
"""Prints the five controller ports at each event."""

MOUSE_LOG = (
    DEVICES
    + """
    ;on-mouse .Mouse/vector DEO2 BRK
@on-mouse ( -> )
    .Mouse/x DEI2 print2 .Mouse/y DEI2 print2 .Mouse/state DEI .Console/write DEO
    .Mouse/scrollx DEI2 print2 .Mouse/scrolly DEI2 print2 BRK
@print2 ( short* -- )
    SWP .Console/write DEO .Console/write DEO JMP2r
"""
)
"""Prints the mouse's ports, nine bytes, at each event."""

WALKER = (
    DEVICES
    + """
    #2ce9 .System/r DEO2 #01c0 .System/g DEO2 #2ce5 .System/b DEO2
    #0040 .Screen/width DEO2 #0030 .Screen/height DEO2
    ;on-frame .Screen/vector DEO2
    ;on-button .Controller/vector DEO2
    ;on-mouse .Mouse/vector DEO2 BRK
@on-frame ( -> )
    ( a dot that moves by as much as buttons say )
    .Screen/x DEI2 [ LIT2 00 &step 01 ] ADD2 #003f AND2 .Screen/x DEO2
    .Screen/y DEI2 INC2 #002f AND2 .Screen/y DEO2
    #02 .Screen/pixel DEO
    ( and one that the clock moves )
    .DateTime/second DEI .DateTime/second DEI POP #00 SWP .Screen/x DEI2 STH2
    .Screen/x DEO2 #43 .Screen/pixel DEO STH2r .Screen/x DEO2 BRK
@on-button ( -> )
    .Controller/button DEI #04 SFT INC ,on-frame/step STR
    .Controller/key DEI LIT "q NEQ ?{ #83 .System/state DEO }
    ( a key makes a sound )
    .Controller/key DEI ?{ BRK }
    #0001 .Audio/adsr DEO2 ;wave .Audio/addr DEO2 #0004 .Audio/length DEO2
    #ff .Audio/volume DEO ;on-note .Audio/vector DEO2
    .Controller/key DEI #3f AND .Audio/pitch DEO BRK
@on-note ( -> )
    LIT "n .Console/write DEO BRK
@on-mouse ( -> )
    .Mouse/x DEI2 .Screen/x DEO2 .Mouse/y DEI2 .Screen/y DEO2
    ( reads a file, whose first byte is the next step, and appends to another )
    .Mouse/state DEI ?{ BRK }
    ;in .File/name DEO2 #0001 .File/length DEO2 ;buffer .File/read DEO2
    .File/success DEI2 #0001 NEQ2 ?{ ;buffer LDA #07 AND ;on-frame/step STA }
    ;out .File/name DEO2 #01 .File/append DEO ;buffer .File/write DEO2
    ;out .File/name DEO2 #0004 .File/length DEO2 ;buffer .File/stat DEO2
    ;buffer LDA2 .Console/write DEO .Console/write DEO BRK
@in "in.txt 00 @out "out.txt 00
@wave 00 80 ff 80
@buffer $8
"""
)
"""Uses everything: draws each frame, listens to buttons, keys and mouse, plays notes, reads the
clock, reads and writes files, and ends with 3 when q is typed."""
