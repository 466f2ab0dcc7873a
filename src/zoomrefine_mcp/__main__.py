"""``python -m zoomrefine_mcp`` and the console script."""

from __future__ import annotations

import sys

from zoomrefine_mcp import cli


def main() -> None:
    """Run the command line and leave with its exit code."""
    sys.exit(cli.main())


if __name__ == "__main__":
    main()
