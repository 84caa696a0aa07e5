"""`jitvm.engine.codegen.native`, under the name it had before the engine had rooms."""

import sys

from jitvm.engine.codegen import native

sys.modules[__name__] = native
