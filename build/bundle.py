"""Files that `notifier.spec` puts into the executable besides the modules that PyInstaller finds by itself."""

from __future__ import annotations

import importlib.metadata
import json
import re
import subprocess
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import quote

ROOT = Path(__file__).resolve().parent.parent
REDIS = Path("/usr/bin/redis-server")
DOC = Path("/usr/share/doc")
COMMON = Path("/usr/share/common-licenses")
DATA = {
    "notifier": ("store/scripts/*.lua", "store/scripts/*/*.lua", "web/static/*", "web/docs/*", "web/docs/*/*"),
    "tui": ("*.tcss", "*/*.tcss"),
}
Binary = tuple[str, str, str]  # its name in the bundle, its path here, PyInstaller's word for its kind
SYSTEMD = "libsystemd.so.0"
# The bootloader at the front of the executable, and the support of compiled modules in the library that they stand on.
COMPILED_IN = ("pyinstaller", "mypy")
LEXERS = ("_mapping", "data", "javascript", "python", "special")


def find_data() -> list[tuple[str, str]]:
    """The packages' own files that are no modules, as (source, folder in the bundle)."""
    found = [
        path for package, patterns in DATA.items() for pattern in patterns for path in (ROOT / package).glob(pattern)
    ]
    return [(str(path), str(path.parent.relative_to(ROOT))) for path in sorted(found) if path.is_file()]


def find_modules() -> list[str]:
    """Every module of the packages: commands and views are imported by name, which no analysis sees."""
    paths = [path for package in DATA for path in (ROOT / package).rglob("*.py")]
    names = [".".join(path.relative_to(ROOT).with_suffix("").parts) for path in paths]
    return sorted(name.removesuffix(".__init__") for name in names)


def is_needed(module: str) -> bool:
    """True where a module that PyInstaller found is of use: few of Pygments' 300 languages are."""
    package, _, name = module.rpartition(".")
    return package != "pygments.lexers" or name in LEXERS


def find_redis() -> list[tuple[str, str]]:
    """Debian's redis-server; PyInstaller adds the libraries that it is linked to, but for glibc's."""
    if not REDIS.is_file():
        raise SystemExit("the executable carries Debian's redis-server: apt-get install redis-server, then build again")
    return [(str(REDIS), ".")]


def without_systemd(binaries: list[Binary], folder: Path) -> list[Binary]:
    """Libraries and programs of the bundle without libsystemd and what it alone brings along, LZ4, Zstandard and
    libgcrypt: 1.4 MB. Redis wants one function of it, to tell a systemd that started it when it is ready, and none
    starts this one: a library built into `folder` has that function and does nothing."""
    found = {name: source for name, source, _ in binaries}
    redis = next(source for name, source in found.items() if Path(name).name == REDIS.name)
    if SYSTEMD not in found or _imports(redis, "LIBSYSTEMD_") != {"sd_notify"}:
        return binaries
    needs = {name: _needs(source) for name, source in found.items()}
    kept = needs.keys() - {SYSTEMD}
    while lonely := {name for name in kept & _brought(SYSTEMD, needs) if not any(name in needs[one] for one in kept)}:
        kept -= lonely
    return [*(one for one in binaries if one[0] in kept), (SYSTEMD, str(_build_stand_in(folder)), "BINARY")]


def _brought(name: str, needs: dict[str, set[str]]) -> set[str]:
    """The libraries that one needs, and those that these need."""
    found, new = set[str](), {name}
    while new := {needed for one in new for needed in needs.get(one, ())} - found:
        found |= new
    return found


def _needs(path: str) -> set[str]:
    """The libraries that a program or library is linked to."""
    listed = subprocess.run(["objdump", "-p", path], capture_output=True, text=True, check=False).stdout
    return set(re.findall(r"^\s*NEEDED\s+(\S+)$", listed, re.MULTILINE))


def _imports(path: str, version: str) -> set[str]:
    """The functions that a program takes from the library whose versions of symbols begin so."""
    listed = subprocess.run(["objdump", "-T", path], capture_output=True, text=True, check=True).stdout
    return set(re.findall(rf"\*UND\*.*\({version}\w*\)\s+(\S+)$", listed, re.MULTILINE))


def _build_stand_in(folder: Path) -> Path:
    library, versions = folder / SYSTEMD, folder / "libsystemd.map"
    versions.write_text("LIBSYSTEMD_209 { global: sd_notify; local: *; };\n")
    options = ["-shared", "-fPIC", "-O2", f"-Wl,-soname,{SYSTEMD}", f"-Wl,--version-script={versions}"]
    source = "int sd_notify(int unset, const char *state) { return 0; }\n"
    subprocess.run(["cc", *options, "-x", "c", "-", "-o", str(library)], input=source, text=True, check=True)
    return library


def write_notices(path: Path, sources: Iterable[str]) -> None:
    """One text with the licences of all that `sources` (files that go into the bundle) belong to."""
    files = {Path(source).resolve() for source in sources}
    parts = dict(_of_project() | _of_wheels(files) | _of_debian(files))
    texts = "\n".join(parts.values())
    for name in sorted(set(re.findall(rf"{COMMON}/([\w.+-]*\w)", texts))):
        if (COMMON / name).is_file():
            parts[f"The licence {name}"] = _read(COMMON / name)
    path.write_text("\n".join(f"{'=' * 78}\n{title}\n{'=' * 78}\n\n{text.strip()}\n" for title, text in parts.items()))


def write_sbom(path: Path, version: str, sources: Iterable[str]) -> None:
    """The same packages as a bill of materials: CycloneDX 1.5 as JSON."""
    files = {Path(source).resolve() for source in sources}
    wheels = [_component(*title.rsplit(" ", 1), "pypi") for title in _of_wheels(files)]
    packages = [title.removeprefix("Debian package ") for title in _of_debian(files)]
    debian = [_component(name, _debian_version(name), "deb/debian") for name in packages]
    own = {"type": "application", "name": "notifier", "version": version, "bom-ref": f"notifier@{version}"}
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"component": own},
        "components": [*wheels, *debian],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=1) + "\n")


def _component(name: str, version: str, kind: str) -> dict[str, str]:
    named = name.lower().replace("_", "-") if kind == "pypi" else name
    purl = f"pkg:{kind}/{quote(named)}@{quote(version)}"
    return {"type": "library", "name": name, "version": version, "purl": purl, "bom-ref": purl}


def _debian_version(package: str) -> str:
    command = ["dpkg-query", "--show", "--showformat=${Version}\n", package]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()[0]


def _of_project() -> dict[str, str]:
    return {"notifier": _read(ROOT / "LICENSE")}


def _of_wheels(files: set[Path]) -> dict[str, str]:
    """The notices of the Python packages; also of those whose modules are only in part in the bundle."""
    found = {}
    for package in sorted(importlib.metadata.distributions(), key=lambda item: item.name.lower()):
        own = {Path(str(package.locate_file(file))).resolve() for file in package.files or ()}
        if own & files or package.name in COMPILED_IN:
            texts = [_read(file) for file in sorted(own) if re.search(r"licen[cs]e|notice|copying", file.name, re.I)]
            declared = (
                package.metadata.get("License-Expression") or package.metadata.get("License") or "see its home page"
            )
            found[f"{package.name} {package.version}"] = "\n\n".join(texts) or f"Licence: {declared}"
    return found


def _of_debian(files: set[Path]) -> dict[str, str]:
    """The copyright files of the Debian packages: Python, Redis and the libraries of both."""
    packages = _owners(sorted(str(file) for file in files if file.is_relative_to("/usr")))
    return {f"Debian package {package}": _read(DOC / package / "copyright") for package in packages}


def _owners(paths: list[str]) -> list[str]:
    """The packages that these files are of, and that say under what licence."""
    names = [*paths, *(path.removeprefix("/usr") for path in paths)]  # dpkg lists some libraries under /lib
    answer = subprocess.run(["dpkg", "-S", *names], capture_output=True, text=True, check=False) if names else None
    found = {line.split(":")[0] for line in answer.stdout.splitlines()} if answer else set[str]()
    return sorted(package for package in found if (DOC / package / "copyright").is_file())


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace")
