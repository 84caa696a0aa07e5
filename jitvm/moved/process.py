"""`jitvm.engine.host.process`, under the name it had before the engine had rooms."""

import sys

from jitvm.engine.host import process

sys.modules[__name__] = process
