"""Sessions that commands record and replay."""

from __future__ import annotations

from jitvm.cli.exits import Failure

TYPE_CHECKING = False  # known to type checkers; importing `typing` costs 4 ms at start
if TYPE_CHECKING:
    from jitvm.platform import Platform
    from jitvm.platform.tools import Session, Sessions


def load_session(path: str, platform: Platform) -> Session:
    """Read what --replay names.

    Raises:
        Failure: it is no session, or the guest has none.
    """
    from jitvm.platform.sessions import SessionError

    try:
        return sessions_of(platform, "--replay").load(path)
    except SessionError as error:
        raise Failure(str(error)) from error


def sessions_of(platform: Platform, option: str) -> Sessions:
    """What records and replays sessions of a guest.

    Raises:
        Failure: nothing does.
    """
    if platform.sessions is None:
        raise Failure(f"{option}: sessions of {platform.name} cannot be recorded")
    return platform.sessions
