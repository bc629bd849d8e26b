"""The program's entry."""

import multiprocessing
import sys


def main() -> None:
    """Runs the command line; exits with its code."""
    multiprocessing.freeze_support()
    from notifier.cli import run

    sys.exit(run())


if __name__ == "__main__":
    main()
