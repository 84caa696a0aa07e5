"""`jitvm.engine.memory.arena`, under the name it had before the engine had rooms."""

import sys

from jitvm.engine.memory import arena

sys.modules[__name__] = arena
