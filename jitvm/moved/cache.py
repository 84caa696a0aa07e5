"""`jitvm.engine.memory.cache`, under the name it had before the engine had rooms."""

import sys

from jitvm.engine.memory import cache

sys.modules[__name__] = cache
