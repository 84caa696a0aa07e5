"""`jitvm.engine.region.attempt`, under the name it had before the engine had rooms."""

import sys

from jitvm.engine.region import attempt

sys.modules[__name__] = attempt
