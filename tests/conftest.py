"""Settings for every test.

Hypothesis has no deadline, since a busy machine is no defect. In CI the same examples are tried on
every run, so that a failure can be repeated; elsewhere they differ, so that new ones are found.
"""

import os

from hypothesis import settings

settings.register_profile("local", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True, database=None)
settings.load_profile("ci" if os.environ.get("CI") else "local")
