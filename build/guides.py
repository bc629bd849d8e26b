"""Writes the parts of the English guides that are made from the source: `make guides`."""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
OPERATING = ROOT / "notifier" / "web" / "docs" / "operating.md"
_SETTINGS = re.compile(r"(?<=<!-- settings -->\n).*?(?=\n<!-- /settings -->)", re.DOTALL)


def written(guide: str, table: str) -> str:
    """A guide with the table of the settings as it is now."""
    return _SETTINGS.sub(lambda _: table, guide)


def main() -> None:
    """Writes them, and says what changed."""
    sys.path.insert(0, str(ROOT))
    from notifier.config import reference

    before = OPERATING.read_text()
    after = written(before, reference())
    OPERATING.write_text(after)
    print("operating.md: " + ("as it was" if after == before else "written anew; the Russian rows are yours"))


if __name__ == "__main__":
    main()
