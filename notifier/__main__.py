"""The program's entry. Nothing here starts processes through `multiprocessing`: it needs no `freeze_support()`."""

import sys


def main() -> None:
    """Runs the command line; exits with its code."""
    from notifier.cli import run

    sys.exit(run())


if __name__ == "__main__":
    main()
