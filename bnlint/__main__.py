"""``python -m bnlint``."""

import sys

if not sys.flags.safe_path:
    del sys.path[0]  # the working directory: what is linted must not pass for a library

from bnlint.cli.main import main

sys.exit(main())
