"""`jitvm.engine.jit.maker`, under the name it had before the engine had rooms."""

import sys

from jitvm.engine.jit import maker

sys.modules[__name__] = maker
