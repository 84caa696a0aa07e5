"""What all tests share: a code cache of their own, and settings.

The cache's folder is chosen when this file is first imported, before jitvm is, and reaches the
workers of pytest-xdist and the programs that tests start through the environment: a guest is
compiled once for all of them.
"""

from __future__ import annotations

import atexit
import os
import shutil
import signal
import tempfile

from hypothesis import HealthCheck, settings

if "TEST_JITVM_CACHE" not in os.environ:
    os.environ["TEST_JITVM_CACHE"] = tempfile.mkdtemp(prefix="jitvm-tests-")
    atexit.register(shutil.rmtree, os.environ["TEST_JITVM_CACHE"], ignore_errors=True)
os.environ["JITVM_CACHE"] = os.environ["TEST_JITVM_CACHE"]

# A job in the background ignores Ctrl-C, and so do the programs that it starts.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Nothing depends on how long something takes: machines are made once and used for all examples, so
# the first one pays for all, and others keep the machine busy. The examples are the same each time:
# what fails fails again, and what is new is looked for by the fuzzers (see tests/fuzz).
settings.register_profile(
    "jitvm", deadline=None, derandomize=True, database=None,
    suppress_health_check=[HealthCheck.too_slow],
)  # fmt: skip
settings.load_profile("jitvm")
