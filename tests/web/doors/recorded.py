"""Requests of other programs, written by hand in the shape that the source named at each one describes."""

import copy
import hashlib
import hmac
import json

JSON = {"Content-Type": "application/json"}
ZERO = "0001-01-01T00:00:00Z"  # what Go writes for a time that is not known

# Alertmanager: docs/configuration.md "webhook_config", notify/webhook/webhook.go (Message), template/template.go (Data).
ALERT = {
    "status": "firing",
    "labels": {"alertname": "DiskFull", "instance": "db1:9100", "job": "node", "severity": "critical"},
    "annotations": {"summary": "Disk of db1 is full", "description": "/var has 1 % left."},
    "startsAt": "2026-11-28T05:01:02.003Z",
    "endsAt": ZERO,
    "generatorURL": "http://prometheus.example:9090/graph?g0.expr=disk_free+%3C+1&g0.tab=1",
    "fingerprint": "1a30ba71cca2921f",
}
ALERTMANAGER = {
    "receiver": "notifier",
    "status": "firing",
    "alerts": [ALERT],
    "groupLabels": {"alertname": "DiskFull"},
    "commonLabels": ALERT["labels"],
    "commonAnnotations": ALERT["annotations"],
    "externalURL": "http://alertmanager.example:9093",
    "version": "4",
    "groupKey": '{}/{severity="critical"}:{alertname="DiskFull"}',
    "truncatedAlerts": 0,
}

# Grafana: docs "Configure the webhook notifier", body of a contact point's webhook (v9.4 and later).
GRAFANA = {
    "receiver": "notifier",
    "status": "firing",
    "orgId": 1,
    "alerts": [
        {
            "status": "firing",
            "labels": {"alertname": "High memory", "team": "blue", "zone": "us-1"},
            "annotations": {
                "description": "The system has high memory usage",
                "runbook_url": "https://runbooks.example/1234",
                "summary": "Memory in zone us-1",
            },
            "startsAt": "2026-11-28T09:51:03.157076+02:00",
            "endsAt": ZERO,
            "generatorURL": "https://grafana.example/alerting/1afz29v7z/edit",
            "fingerprint": "c6eadffa33fcdf37",
            "silenceURL": "https://grafana.example/alerting/silence/new?alertmanager=grafana&matchers=team%3Dblue",
            "dashboardURL": "https://grafana.example/d/abc",
            "panelURL": "",
            "values": {"B": 44.2, "C": 1},
            "valueString": "[ var='B' labels={} value=44.2 ]",
        }
    ],
    "groupLabels": {},
    "commonLabels": {"team": "blue"},
    "commonAnnotations": {},
    "externalURL": "https://grafana.example/",
    "version": "1",
    "groupKey": "{}:{}",
    "truncatedAlerts": 0,
    "title": "[FIRING:1] (blue)",
    "state": "alerting",
    "message": "**Firing**",
}


def alerts(recorded=ALERTMANAGER, *changes, **group):
    """A body with an alert for each of the changes, or the one of the recording."""
    body = copy.deepcopy(recorded) | group
    if changes:
        body["alerts"] = [copy.deepcopy(recorded["alerts"][0]) | change for change in changes]
    return body


def resolved(recorded=ALERTMANAGER, ends="2026-11-28T05:11:02.003Z", **change):
    """The same alert at its end."""
    return alerts(recorded, {"status": "resolved", "endsAt": ends, **change}, status="resolved")


def signature(secret, body):
    """HMAC-SHA256 of a body in hex."""
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


# GitHub: docs "Webhook events and payloads", the properties of each event; headers as in "Delivery headers".
REPOSITORY = {"full_name": "octo/hello", "html_url": "https://github.example/octo/hello", "private": False}
SENDER = {"login": "mona", "type": "User"}
COMMIT = {
    "id": "0d1a26e67d8f5eaf1f6ba5c57fc3c7d91ac0fd1c",
    "message": "Fix the door\n\nIt was open.",
    "author": {"name": "Mona Lisa", "email": "mona@github.example"},
}
EVENTS = {
    "push": {
        "ref": "refs/heads/main",
        "created": False,
        "deleted": False,
        "forced": False,
        "compare": "https://github.example/octo/hello/compare/a...b",
        "commits": [COMMIT, COMMIT | {"message": "Shut it"}],
    },
    "pull_request": {
        "action": "closed",
        "number": 2,
        "pull_request": {
            "number": 2,
            "title": "Update the README",
            "body": "Pretty please.",
            "state": "closed",
            "merged": True,
            "html_url": "https://github.example/octo/hello/pull/2",
        },
    },
    "issues": {
        "action": "opened",
        "issue": {
            "number": 1,
            "title": "Spelling",
            "body": "In the title.",
            "state": "open",
            "html_url": "https://github.example/octo/hello/issues/1",
        },
    },
    "issue_comment": {
        "action": "created",
        "issue": {"number": 1, "title": "Spelling", "html_url": "https://github.example/octo/hello/issues/1"},
        "comment": {"body": "I agree.", "html_url": "https://github.example/octo/hello/issues/1#issuecomment-9"},
    },
    "workflow_run": {
        "action": "completed",
        "workflow_run": {
            "name": "CI",
            "display_title": "Fix the door",
            "head_branch": "main",
            "head_sha": COMMIT["id"],
            "status": "completed",
            "conclusion": "failure",
            "html_url": "https://github.example/octo/hello/actions/runs/7",
        },
    },
    "check_suite": {
        "action": "completed",
        "check_suite": {
            "head_branch": "main",
            "head_sha": COMMIT["id"],
            "status": "completed",
            "conclusion": "success",
            "app": {"name": "Checker"},
        },
    },
    "release": {
        "action": "published",
        "release": {
            "tag_name": "v1.0",
            "name": "One",
            "body": "The first.",
            "html_url": "https://github.example/octo/hello/releases/tag/v1.0",
        },
    },
    "deployment_status": {
        "action": "created",
        "deployment_status": {"state": "failure", "environment": "production", "description": "Out of room"},
        "deployment": {"ref": "main", "sha": COMMIT["id"]},
    },
    "dependabot_alert": {
        "action": "created",
        "alert": {
            "number": 5,
            "state": "open",
            "html_url": "https://github.example/octo/hello/security/dependabot/5",
            "dependency": {"package": {"ecosystem": "pip", "name": "django"}},
            "security_advisory": {"severity": "critical", "summary": "SQL injection in Django"},
        },
    },
    "star": {"action": "created", "starred_at": "2026-11-28T00:00:00Z"},
}


# GitLab: docs "Webhook events", issue and pipeline events; headers as in "Delivery headers".
PROJECT = {"path_with_namespace": "octo/hello", "web_url": "https://gitlab.example/octo/hello"}
GITLAB = {
    "Issue Hook": {
        "object_kind": "issue",
        "user": {"username": "mona"},
        "project": PROJECT,
        "object_attributes": {
            "iid": 23,
            "title": "New API",
            "action": "open",
            "url": "https://gitlab.example/octo/hello/-/issues/23",
        },
    },
    "Pipeline Hook": {
        "object_kind": "pipeline",
        "user": {"username": "mona"},
        "project": PROJECT,
        "object_attributes": {"iid": 3, "status": "failed", "ref": "main"},
    },
    "Push Hook": {"object_kind": "push", "ref": "refs/heads/main", "user_username": "mona", "project": PROJECT},
}


def github(kind, delivery="72d3162e-cc78-11e3-81ab-4c9367dc0958", secret=None, form=False, **change):
    """Body and headers of a delivery."""
    event = {**EVENTS.get(kind, {}), "repository": REPOSITORY, "sender": SENDER, **change}
    body = json.dumps(event).encode()
    if form:
        from urllib.parse import urlencode

        body = urlencode({"payload": body}).encode()
    headers = {
        "User-Agent": "GitHub-Hookshot/044aadd",
        "X-GitHub-Event": kind,
        "X-GitHub-Delivery": delivery,
        "X-GitHub-Hook-ID": "292430182",
        "Content-Type": "application/x-www-form-urlencoded" if form else "application/json",
    }
    if secret is not None:
        headers["X-Hub-Signature-256"] = f"sha256={signature(secret, body)}"
    return body, headers
