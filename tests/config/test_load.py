"""Sources of settings, their order, and the words for what is wrong."""

from pathlib import Path

import click
import msgspec
import pytest

from notifier.cli.serve import command as serve
from notifier.config import DEFINITIONS, Settings, SettingsError, load, read_file, reference
from notifier.config.settings import Secret

MIB, KIB, DAY = 1024 * 1024, 1024, 86400.0

# The figures of the contract, as a program reads them. A new setting need not stand here.
DEFAULTS = {
    "server_addr": ":8080",
    "redis_addr": "",
    "redis_password": "",
    "redis_db": 0,
    "redis_fsync": "everysec",
    "disk_reserve": 64 * 1024**2,
    "roles": ("http", "delivery", "kafka"),
    "log_level": "info",
    "log_format": "auto",
    "shutdown_timeout": 30.0,
    "notification_ttl": 900.0,
    "stream_maxlen": 100,
    "lean_path": "on",
    "lock_ttl": 60.0,
    "heartbeat_interval": 30.0,
    "janitor_interval": 60.0,
    "presence_ttl": 6.0,
    "idempotency_ttl": DAY,
    "kafka_brokers": (),
    "kafka_topic": "notifications",
    "consumer_group": "notification-service",
    "kafka": {},
    "rate_limit_per_user": 10,
    "rate_limit_window": 60.0,
    "rate_limit_policy": "defer",
    "rate_limit_per_channel": 100,
    "api_rate_limit": (100, 60.0),
    "notify_rate_limit": None,
    "sms_workers": 5,
    "email_workers": 5,
    "push_workers": 5,
    "worker_count": 10,
    "max_queue_size": 1000,
    "retry_attempts": 3,
    "retry_backoff_1": 5.0,
    "retry_backoff_2": 30.0,
    "retry_backoff_3": 120.0,
    "retry_delay": None,
    "retry_interval": 10.0,
    "scheduler_interval": 5.0,
    "delivery_lease": 30.0,
    "delivery_retention": 15 * DAY,
    "breaker_failures": 5,
    "breaker_reset": 30.0,
    "session_ttl": DAY,
    "provider_sms": (),
    "provider_email": (),
    "provider_webhook": (),
    "provider_push_ios": (),
    "provider_push_android": (),
    "provider_push_web": (),
    "provider_base_url": "",
    "simulator_success_rate": 0.95,
    "simulator_latency": 0.05,
    "webhook_secret": "",
    "webhook_allow_private": (),
    "auth_mode": "none",
    "jwt_secret": "",
    "jwks_url": "",
    "admin_token": "",
    "allowed_origins": (),
    "tls_cert": "",
    "tls_key": "",
    "max_body": MIB,
    "max_frame": 64 * KIB,
    "max_connections_per_user": 32,
    "max_connections_per_address": 1000,
    "send_buffer": MIB,
}
SECRETS = {"redis_password", "webhook_secret", "jwt_secret", "admin_token"}
SECRETS |= {f"provider_{kind}" for kind in ("sms", "email", "webhook", "push_ios", "push_android", "push_web")}


def problem(flags=None, environment=None, file=None):
    with pytest.raises(SettingsError) as raised:
        load(flags or {}, environment or {}, file)
    assert "\n" not in str(raised.value)
    return str(raised.value)


@pytest.fixture
def config_file(tmp_path):
    def write(text):
        path = tmp_path / "notifier.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


# -- defaults


def test_defaults():
    settings = load({}, {})
    assert {name: getattr(settings, name) for name in DEFAULTS} == DEFAULTS


def test_every_field_is_described():
    assert [d.name for d in DEFINITIONS] == [name for name in Settings.__struct_fields__ if name != "kafka"]
    assert {d.name for d in DEFINITIONS if d.secret} == SECRETS


@pytest.mark.parametrize("definition", DEFINITIONS, ids=lambda d: d.name)
def test_a_default_is_a_value_of_the_fields_type(definition):
    assert msgspec.convert(definition.default, definition.kind, strict=True) == definition.default
    assert definition.setting.meaning and not definition.setting.meaning.endswith(".")


def test_an_option_of_serve_for_each_setting_with_a_flag(config_file):
    flags = {d.setting.flag for d in DEFINITIONS if d.setting.flag}
    shown = {option for parameter in serve.params for option in parameter.opts}
    assert flags == shown - {"--workers", "--config"}
    assert all(text in serve.get_help(click.Context(serve)) for text in flags)


def test_what_is_computed(monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", "/somewhere")
    monkeypatch.setattr("socket.gethostname", lambda: "host one.example")
    settings = load({}, {})
    assert settings.data_dir == Path("/somewhere/notifier")
    assert settings.pod_id == "host-one.example"
    monkeypatch.delenv("XDG_DATA_HOME")
    monkeypatch.setattr("socket.gethostname", lambda: "-")
    settings = load({}, {})
    assert settings.data_dir == Path.home() / ".local/share/notifier"
    assert settings.pod_id == "pod"


# -- precedence


def test_precedence(config_file):
    file = config_file("log_level: warning\nstream_maxlen: 7\nredis_db: 3\n")
    environment = {"LOG_LEVEL": "error", "STREAM_MAXLEN": "8"}
    settings = load({"log_level": "debug", "stream_maxlen": None}, environment, file)
    assert (settings.log_level, settings.stream_maxlen, settings.redis_db, settings.auth_mode) == (
        "debug",
        8,
        3,
        "none",
    )


def test_a_default_never_beats_what_was_set(config_file):
    file = config_file("stream_maxlen: 7\n")
    assert load({}, {"STREAM_MAXLEN": "100"}, file).stream_maxlen == 100
    assert load({"stream_maxlen": "100"}, {"STREAM_MAXLEN": "8"}, file).stream_maxlen == 100


def test_empty_is_not_set(config_file):
    file = config_file("log_level: warning\npod_id:\n")
    settings = load({}, {"LOG_LEVEL": "", "DATA_DIR": ""}, file)
    assert settings.log_level == "warning"
    assert settings.pod_id
    assert settings.data_dir.is_absolute()


@pytest.mark.parametrize(
    ("environment", "address"),
    [
        ({"PORT": "3"}, ":3"),
        ({"PORT": "3", "HTTP_PORT": "2"}, ":2"),
        ({"PORT": "3", "HTTP_PORT": "2", "SERVER_ADDR": "h:1"}, "h:1"),
        ({"PORT": "3", "SERVER_ADDR": ""}, ":3"),
    ],
)
def test_names_of_the_port(environment, address, config_file):
    file = config_file("server_addr: ':9'\n")
    assert load({}, environment, file).server_addr == address
    assert load({}, {}, file).server_addr == ":9"


@pytest.mark.parametrize(
    ("address", "mode", "host", "port"),
    [
        (":8080", "none", "127.0.0.1", 8080),
        (":8080", "token", "", 8080),
        ("0.0.0.0:80", "none", "0.0.0.0", 80),
        ("localhost:0", "none", "localhost", 0),
        ("[::1]:81", "none", "::1", 81),
        ("[::]:81", "token", "::", 81),
    ],
)
def test_where_to_listen(address, mode, host, port):
    settings = load({"server_addr": address}, {"AUTH_MODE": mode, "ADMIN_TOKEN": "t"})
    assert (settings.host, settings.port) == (host, port)


# -- the file


def test_a_file_in_full(config_file):
    file = config_file(
        "server_addr: 8081\nroles: [http, kafka]\nnotify_rate_limit: off\nretry_delay: 2\nlog_format: json\n"
        "provider_email: [smtp://u:p@mail.example, simulator://]\npod_id: 5\nmax_body: 2MiB\nkafka_brokers: a:1, b:2\n"
        "kafka:\n  security.protocol: ssl\n  fetch.min.bytes: 5\n"
    )
    settings = load({}, {}, file)
    assert settings.server_addr == ":8081"
    assert settings.roles == ("http", "kafka")
    assert settings.notify_rate_limit is None
    assert settings.retry_delay == 2.0
    assert settings.provider_email == ("smtp://u:p@mail.example", "simulator://")
    assert settings.pod_id == "5"
    assert settings.max_body == 2 * MIB
    assert settings.kafka_brokers == ("a:1", "b:2")
    assert settings.kafka == {"security.protocol": "ssl", "fetch.min.bytes": "5"}


def test_an_empty_file_sets_nothing(config_file):
    assert read_file(config_file("# nothing\n")) == {}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("server_adr: ':1'", "unknown setting 'server_adr'"),
        ("SERVER_ADDR: ':1'", "unknown setting 'SERVER_ADDR'"),
        ("1: 2", "unknown setting '1'"),
        ("- a", "expected settings, one per line"),
        ("just text", "expected settings, one per line"),
        ("a: [", "is no YAML"),
        ("a: b: c", "is no YAML"),
        ("pod_id: 2024-99-99", "is no YAML"),
        ("!!python/object/apply:os.getcwd []", "is no YAML"),
        ("[" * 5000, "is no YAML"),
        ("kafka: 5", "kafka: expected librdkafka options"),
        ("log_level: loud", "log_level: 'loud' is not valid: expected one of debug, info, warning, error"),
        ("log_level: off", "log_level: False is not valid"),
        ("roles: {a: 1}", "roles: {'a': 1} is not valid"),
    ],
)
def test_a_wrong_file(text, words, config_file):
    assert words in problem(file=config_file(text))


def test_a_file_that_cannot_be_read(tmp_path):
    assert problem(file=tmp_path / "none.yaml") == f"--config {tmp_path}/none.yaml: No such file or directory"
    assert "Is a directory" in problem(file=tmp_path)
    (tmp_path / "latin").write_bytes(b"pod_id: \xff")
    assert "is no YAML" in problem(file=tmp_path / "latin")


# -- the words for what is wrong


def test_the_variable_the_value_and_what_was_expected():
    assert (
        problem(environment={"STREAM_MAXLEN": "1001"})
        == "STREAM_MAXLEN: '1001' is not valid: expected an integer of 1-1000"
    )
    assert problem(environment={"PORT": "x"}).startswith("PORT: 'x' is not valid: expected host:port")
    assert problem({"redis_addr": "a\nb"}).startswith("--redis-addr: 'a\\nb' is not valid")
    assert problem({"server_addr": "x"}).startswith("--addr: 'x' is not valid")


@pytest.mark.parametrize("name", sorted(SECRETS))
def test_secrets_are_not_told(name):
    assert problem(environment={name.upper(): "hunter2\n"}).startswith(f"{name.upper()}: (hidden) is not valid")


def test_a_password_within_a_url_is_not_told():
    told = problem(environment={"REDIS_ADDR": "redis://me:hunter@2@db:port"})
    assert told.startswith("REDIS_ADDR: 'redis://***@db:port' is not valid: expected host:port")


def test_what_must_go_together():
    assert problem(environment={"JWT_SECRET": "hunter2"}).startswith(
        "JWT_SECRET: (hidden) is not valid: expected 32 bytes"
    )
    assert load({}, {"JWT_SECRET": "ä" * 16}).jwt_secret == "ä" * 16
    assert problem(environment={"TLS_CERT": "c.pem"}) == "TLS_CERT and TLS_KEY: expected both or none"
    assert load({}, {"TLS_CERT": "c.pem", "TLS_KEY": "k.pem"}).tls_key == "k.pem"


@pytest.mark.parametrize("definition", DEFINITIONS, ids=lambda d: d.variable)
def test_every_setting_refuses_nonsense_by_its_own_name(definition):
    assert problem(environment={definition.variable: "\x01"}).startswith(f"{definition.variable}: ")


# -- showing settings


def test_printing_hides_secrets():
    environment = {name.upper(): f"hunter2-{'x' * 32}" for name in SECRETS}
    settings = load({}, environment)
    assert "hunter2" not in repr(settings)
    assert "hunter2" not in f"{settings!r:s} {settings}"
    assert settings.provider_sms == (environment["PROVIDER_SMS"],)
    assert repr(Secret("")) == "''"


def test_reference():
    text = reference()
    head, rule, *rows = text.splitlines()
    assert head.count("|") == rule.count("|") == 5
    assert [row.split("`")[1] for row in rows] == [d.variable for d in DEFINITIONS]
    assert all(row.count(" | ") == 3 for row in rows)
    assert "| `STREAM_MAXLEN` | `100` | notifications kept per inbox, 1-1,000 | yes |" in rows
    assert "| `DATA_DIR` | *(computed)* | folder of the embedded Redis |  |" in rows
    assert "| `REDIS_ADDR` | *(empty)* |" in text


@pytest.mark.parametrize(
    "name", ["log_level", "allowed_origins", "notification_ttl", "max_body", "kafka", "jwt_secret"]
)
def test_a_file_of_aliases_upon_aliases(tmp_path, name):
    file = tmp_path / "laughs.yaml"
    file.write_text(_laughs(name))
    with pytest.raises(SettingsError) as raised:
        load({}, {}, file)
    assert len(str(raised.value)) < 500 and "expected a value" in str(raised.value)


def _laughs(name):
    """A setting whose value would be 9^30 words."""
    lines = ["- &l0 [lol]", *(f"- &l{n} [{', '.join([f'*l{n - 1}'] * 9)}]" for n in range(1, 30))]
    return "\n".join(
        [f"{name}:", *(f"  {line}" if name != "kafka" else f"  k{i}: {line[2:]}" for i, line in enumerate(lines))]
    )


@pytest.mark.parametrize("levels", [50, 900, 5000])
def test_a_file_that_is_nested_deep(tmp_path, levels):
    file = tmp_path / "deep.yaml"
    file.write_text(f"log_level: {'[' * levels}{']' * levels}")
    with pytest.raises(SettingsError) as raised:
        load({}, {}, file)
    assert len(str(raised.value)) < 500


def test_a_long_wrong_value_is_cut():
    with pytest.raises(SettingsError) as raised:
        load({"log_level": "x" * 100_000}, {})
    assert len(str(raised.value)) < 500 and "xxx…" in str(raised.value)


BAD_HOSTS = ["a..b", "a" * 64 + ".b", "-a", "b," + "c" * 64, ":::"]


@pytest.mark.parametrize("host", BAD_HOSTS)
@pytest.mark.parametrize("form", ["{}:6379", "redis://u:p@{}", "redis+cluster://{}", "redis+sentinel://a:1,{}/m"])
def test_a_store_at_a_host_that_is_none(form, host):
    """A resolver is never asked for what Python's codec raises at."""
    assert problem(environment={"REDIS_ADDR": form.format(host)}).startswith("REDIS_ADDR: ")


@pytest.mark.parametrize(
    "text",
    [
        "redis",
        "my_redis:6379",
        "[::1]:6379",
        "redis://u:p%40@127.0.0.1:6379/3",
        "rediss://a.b.",
        "redis+cluster://a:1,b",
    ],
)
def test_stores_at_hosts(text):
    assert load({}, {"REDIS_ADDR": text}).redis_addr == text


@pytest.mark.parametrize("host", [host for host in BAD_HOSTS if "," not in host])
def test_keys_at_a_host_that_is_none(host):
    environment = {"AUTH_MODE": "token", "JWKS_URL": f"https://{host}/keys.json"}
    assert problem(environment=environment).startswith("JWKS_URL: ")


@pytest.mark.parametrize("url", ["https://issuer.example", "http://u:p@[::1]:8080/x?y", "https://örnek.com:8443?x=1"])
def test_keys_at_hosts(url):
    assert load({}, {"AUTH_MODE": "token", "JWKS_URL": url}).jwks_url == url
