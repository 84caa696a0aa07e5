"""What all tests share: a code cache of their own, settings, and which tests may run again.

The cache's folder is chosen when this file is first imported, before jitvm is, and reaches the
workers of pytest-xdist and the programs that tests start through the environment: a guest is
compiled once for all of them.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile

import pytest
from hypothesis import HealthCheck, settings

if "JITVM_TEST_CACHE" not in os.environ:
    os.environ["JITVM_TEST_CACHE"] = tempfile.mkdtemp(prefix="jitvm-tests-")
    atexit.register(shutil.rmtree, os.environ["JITVM_TEST_CACHE"], ignore_errors=True)
os.environ["JITVM_CACHE"] = os.environ["JITVM_TEST_CACHE"]

# Machines are made once and used for all examples, so the first example pays for all.
settings.register_profile(
    "jitvm", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.load_profile("jitvm")

RERUNS = 3
"""How often a test with the marker `clock` may fail before it counts; see tests/clock.py."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Have tests that measure time run again when they fail, and no others."""
    if config.pluginmanager.hasplugin("rerunfailures"):
        for item in items:
            if item.get_closest_marker("clock"):
                item.add_marker(pytest.mark.flaky(reruns=RERUNS, reruns_delay=1))
