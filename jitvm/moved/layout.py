"""`jitvm.engine.memory.layout`, under the name it had before the engine had rooms."""

import sys

from jitvm.engine.memory import layout

sys.modules[__name__] = layout
