"""Files around the source: changelog, version, hooks, templates."""

import re
import tomllib
from pathlib import Path

import yaml

from notifier import __version__

ROOT = Path(__file__).parent.parent.parent
KINDS = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
CHANGELOG = (ROOT / "CHANGELOG.md").read_text()


def test_the_changelog_keeps_its_form():
    lines = CHANGELOG.splitlines()
    assert lines[0] == "# Changelog"
    releases = [line for line in lines if line.startswith("## ")]
    assert releases[0] == "## [Unreleased]"
    dates = [re.fullmatch(r"## \[\d+\.\d+\.\d+\] - (\d{4}-\d\d-\d\d)", line) for line in releases[1:]]
    assert all(dates) and [d[1] for d in dates] == sorted((d[1] for d in dates), reverse=True)
    assert {line.removeprefix("### ") for line in lines if line.startswith("### ")} <= KINDS


def test_the_version_stands_in_one_place():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert "version" in project["project"]["dynamic"]
    assert project["tool"]["setuptools"]["dynamic"]["version"] == {"attr": "notifier.__version__"}
    assert re.fullmatch(r"\d+\.\d+\.\d+", __version__)


def test_hooks_are_local_and_templates_are_sound():
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())
    assert [repo["repo"] for repo in hooks["repos"]] == ["local"]
    for name in ("defect", "wish"):
        form = yaml.safe_load((ROOT / ".github" / "ISSUE_TEMPLATE" / f"{name}.yml").read_text())
        assert {"name", "description", "body"} <= form.keys()
        ids = [item["id"] for item in form["body"]]
        assert len(ids) == len(set(ids))
    assert "make check" in (ROOT / ".github" / "pull_request_template.md").read_text()
