"""`jitvm.engine.tables.events`, under the name it had before the engine had rooms."""

import sys

from jitvm.engine.tables import events

sys.modules[__name__] = events
