"""`jitvm.engine.jit.planner`, under the name it had before the engine had rooms."""

import sys

from jitvm.engine.jit import planner

sys.modules[__name__] = planner
