"""`jitvm.engine.tables.params`, under the name it had before the engine had rooms."""

import sys

from jitvm.engine.tables import params

sys.modules[__name__] = params
