"""`jitvm.engine.region.forming`, under the name it had before the engine had rooms."""

import sys

from jitvm.engine.region import forming

sys.modules[__name__] = forming
