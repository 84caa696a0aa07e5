"""`jitvm.engine.region.window`, under the name it had before the engine had rooms."""

import sys

from jitvm.engine.region import window

sys.modules[__name__] = window
