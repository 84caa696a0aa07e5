"""`jitvm.engine.jit.kept`, under the name it had before the engine had rooms."""

import sys

from jitvm.engine.jit import kept

sys.modules[__name__] = kept
