"""``python -m jitvm`` is the ``jitvm`` command."""

import sys

from jitvm.cli import main

sys.exit(main())
