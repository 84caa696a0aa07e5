"""`jitvm.engine.tables.reasons`, under the name it had before the engine had rooms."""

import sys

from jitvm.engine.tables import reasons

sys.modules[__name__] = reasons
