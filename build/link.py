"""Puts the checkout on its virtual environment's path and writes the `notifier` script.

An editable install would do the same, but needs setuptools and its work folder, which would be build/: sources here.
"""

from __future__ import annotations

import sys
import sysconfig
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SCRIPT = """#!{python}
import sys

from notifier.__main__ import main

sys.exit(main())
"""


def main() -> None:
    Path(sysconfig.get_path("purelib"), "notifier-checkout.pth").write_text(f"{ROOT}\n")
    script = Path(sysconfig.get_path("scripts"), "notifier")
    script.write_text(SCRIPT.format(python=sys.executable))
    script.chmod(0o755)


if __name__ == "__main__":
    main()
