"""`jitvm.engine.codegen.llvm`, under the name it had before the engine had rooms."""

import sys

from jitvm.engine.codegen import llvm

sys.modules[__name__] = llvm
