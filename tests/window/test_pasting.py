"""The clipboard, in a window."""

from __future__ import annotations

from jitvm.engine.machine.machine import Tier
from jitvm.guests.chip8.platform import PLATFORM as CHIP8
from jitvm.window.binding import clipboard, sdl
from jitvm.window.keys import INSERT, MOD_SHIFT, PAGE_UP, Command
from jitvm.window.translate import Told, Translator
from tests.varvara.graphical import DEVICES
from tests.window.conftest import Play, User, computer_of

ECHO = f"""{DEVICES}
    ;on-key .Controller/vector DEO2 BRK
@on-key ( -> ) .Controller/key DEI DUP ?{{ POP BRK }} .Console/write DEO BRK
"""


def push(code: int, modifiers: int) -> None:
    event = sdl.SDL_Event()
    event.type = sdl.SDL_KEYDOWN
    event.key.keysym.sym, event.key.keysym.mod = code, modifiers
    sdl.SDL_PushEvent(event)


def test_the_clipboard_is_typed(play: Play) -> None:
    computer = computer_of(ECHO)

    def act(user: User) -> None:
        user.until(lambda: clipboard() == "två\nrader")
        push(INSERT, MOD_SHIFT)
        user.until(lambda: computer.stdout == "två\rrader".encode())

    def copy(_frame: object) -> None:
        sdl.SDL_SetClipboardText("två\nrader".encode())

    play(computer, act, on_frame=copy)


def test_guests_with_keys_that_are_held_take_no_text(play: Play) -> None:
    told: list[str] = []
    program = CHIP8.program(bytes.fromhex("7001 1200"), "a.ch8")

    def act(user: User) -> None:
        push(INSERT, MOD_SHIFT)
        user.until(lambda: told)

    play(CHIP8.computer(program, tier=Tier.INTERPRETER), act, notify=told.append)
    assert told == ["nothing is pasted: the program takes keys that are held, and no text"]


def test_shift_makes_other_commands_of_some_keys() -> None:
    translator = Translator(lambda x, y: (x, y))
    event = sdl.SDL_Event()
    event.type = sdl.SDL_KEYDOWN
    found: list[Told] = []
    for code, modifiers in ((INSERT, 0), (INSERT, MOD_SHIFT), (PAGE_UP, MOD_SHIFT), (PAGE_UP, 0)):
        event.key.keysym.sym, event.key.keysym.mod = code, modifiers
        found += translator.told(event)
    assert found == [Command.SAVE, Command.PASTE, Command.LOUDER, Command.REWIND]
    translator.close()
