"""`jitvm.engine.memory.block`, under the name it had before the engine had rooms."""

import sys

from jitvm.engine.memory import block

sys.modules[__name__] = block
