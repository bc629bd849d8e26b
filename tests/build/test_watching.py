"""Board and alert rules: they name only what /metrics tells, and promtool finds the rules sound."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from notifier.config import load
from notifier.pod.policies import problem_thresholds
from tests.support import notify

BUILD = Path(__file__).parent.parent.parent / "build"
BOARD = json.loads((BUILD / "grafana" / "notifier.json").read_text())
RULES = yaml.safe_load((BUILD / "prometheus" / "alerts.yml").read_text())["groups"][0]["rules"]
BOARD_EXPRESSIONS = [t["expr"] for panel in BOARD["panels"] for t in panel.get("targets", [])]

PROMETHEUS_OWN = {"up"}
_NOT_NAMES = re.compile(r'"[^"]*"|\{[^}]*\}|\[[^\]]*\]|\b(?:by|without|on|ignoring)\s*\([^)]*\)')
_WORDS = re.compile(r"\b[a-z_:][a-z0-9_:]*\b(?!\s*\()")


def names_in(expression):
    """The metrics that a PromQL expression reads."""
    return set(_WORDS.findall(_NOT_NAMES.sub(" ", expression))) - {"and", "or", "unless", "by", "without", "e"}


def test_names_are_found():
    assert names_in('sum by (le) (rate(a_bucket{b="c", d=~"5.."}[5m])) / max(e_total) > 0.5') == {"a_bucket", "e_total"}


@pytest.fixture
def told(loop, client):
    """The names of all families that a pod tells, with those of a histogram's series."""

    async def look():
        await notify(client)
        return (await client.get("/metrics")).text

    found = set()
    for name, kind in re.findall(r"^# TYPE (\S+) (\S+)$", loop.run_until_complete(look()), re.MULTILINE):
        found |= {f"{name}{suffix}" for suffix in ("_bucket", "_sum", "_count")} if kind == "histogram" else {name}
    return found


def test_board_and_rules_name_only_what_is_told(told):
    named = set().union(*map(names_in, BOARD_EXPRESSIONS), *(names_in(rule["expr"]) for rule in RULES))
    assert len(named) > 15
    assert named - told - PROMETHEUS_OWN == set()


def test_every_rule_has_a_summary_a_cure_and_a_severity():
    for rule in RULES:
        assert rule["annotations"].keys() == {"summary", "cure"}, rule["alert"]
        assert rule["labels"]["severity"] in ("page", "warn", "info")
        assert rule["for"]
    assert len({rule["alert"] for rule in RULES}) == len(RULES)


@pytest.mark.parametrize(
    ("alert", "threshold"),
    [
        ("NotifierSlow", "delivery_p99"),
        ("NotifierRedisSlow", "store_p99"),
        ("NotifierLoopLate", "loop_lag"),
        ("NotifierProviderSlow", "provider_p95"),
        ("NotifierClockOff", "clock_skew"),
        ("NotifierQueueGrows", "queue"),
        ("NotifierDeadLettersGrow", "dead_letters"),
        ("NotifierKafkaLag", "kafka_lag"),
        ("NotifierFlood", "flood"),
    ],
)
def test_a_rule_has_the_threshold_of_its_problem(alert, threshold):
    (rule,) = [rule for rule in RULES if rule["alert"] == alert]
    limit = getattr(problem_thresholds(load({}, {})), threshold)
    assert float(rule["expr"].rpartition(">")[2]) == limit


@pytest.mark.parametrize(
    ("metric", "threshold"),
    [
        ("delivery_latency_seconds", "delivery_p99"),
        ("event_loop_lag_seconds", "loop_lag"),
        ("dlq_recent", "dead_letters"),
        ("clock_skew_seconds", "clock_skew"),
        ("busiest_source_per_second", "flood"),
    ],
)
def test_the_guide_has_the_threshold_of_its_problem(metric, threshold):
    guide = (BUILD.parent / "notifier" / "web" / "docs" / "operating.md").read_text()
    (row,) = re.findall(rf"^\| `{metric}` \| (.*) \|$", guide, re.MULTILINE)
    limit = getattr(problem_thresholds(load({}, {})), threshold)
    assert f"over {limit:g}" in row


def test_panels_of_the_board():
    panels = BOARD["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    boxes = [panel["gridPos"] for panel in panels]
    cells = [(x, y) for b in boxes for x in range(b["x"], b["x"] + b["w"]) for y in range(b["y"], b["y"] + b["h"])]
    assert len(cells) == len(set(cells)), "panels overlap"
    assert max(x for x, _ in cells) < 24
    for panel in panels:
        assert panel["type"] == "row" or (panel["title"] and panel["targets"])


@pytest.mark.skipif(
    not shutil.which("promtool"), reason="no promtool here: apt-get install prometheus; make watch-check"
)
@pytest.mark.parametrize(
    "command", ["check rules alerts.yml", "check config prometheus.yml", "test rules alerts_test.yml"]
)
def test_promtool(command):
    answer = subprocess.run(
        ["promtool", *command.split()], cwd=BUILD / "prometheus", capture_output=True, text=True, check=False
    )
    assert answer.returncode == 0, answer.stdout + answer.stderr


def expand(expression):
    """An expression of the board with values for Grafana's variables."""
    return expression.replace("$instance", ".*").replace("$__rate_interval", "1m")


@pytest.mark.skipif(
    not shutil.which("promtool"), reason="no promtool here: apt-get install prometheus; make watch-check"
)
def test_promtool_reads_the_board(tmp_path):
    rules = [{"record": f"board:{i}", "expr": expand(e)} for i, e in enumerate(BOARD_EXPRESSIONS)]
    file = tmp_path / "board.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "board", "rules": rules}]}))
    answer = subprocess.run(["promtool", "check", "rules", str(file)], capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stdout + answer.stderr
