"""`python -m permit0` is the `permit0` command."""

import sys

from permit0.cli import main

sys.exit(main())
