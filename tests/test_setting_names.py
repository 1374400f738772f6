"""Variables and values that are not taken are told with the ones that may be meant."""

from __future__ import annotations

import pytest

from app.errors import SettingError
from app.settings import Settings, unknown


def test_a_variable_that_is_no_setting_is_told_with_the_nearest_one() -> None:
    environ = {
        "PARLEY_REDSI": "redis://h",
        "PARLEY_TEXTLIMIT": "",
        "PARLEY_COLOUR": "green",
        "PARLEY_AGENT_MEMORY": "512",
        "PARLEY_redis": "redis://h",
        "PARLEY_REDIS": "redis://h",
        "PATH": "/bin",
    }
    assert list(unknown(environ).items()) == [
        ("PARLEY_AGENT_MEMORY", "PARLEY_AGENTS_MEMORY"),
        ("PARLEY_COLOUR", ""),
        ("PARLEY_REDSI", "PARLEY_REDIS"),
        ("PARLEY_TEXTLIMIT", "PARLEY_TEXT_LIMIT"),
        ("PARLEY_redis", "PARLEY_REDIS"),
    ]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PARLEY_SERVICE_HOST", "10.0.0.1"),
        ("PARLEY_EDGE_SERVICE_PORT_HTTP", "8080"),
        ("PARLEY_EDGE_PORT", "tcp://10.0.0.1:8080"),
        ("PARLEY_EDGE_PORT_8080_TCP_ADDR", "10.0.0.1"),
        ("PARLEY_AGENT_REPLY_BOT_URL", "http://there"),
        ("PARLEY_PUBLISH", "8080"),
    ],
)
def test_what_kubernetes_and_agents_name_is_not_mistaken_for_a_setting(
    name: str, value: str
) -> None:
    assert unknown({name: value}) == {}


@pytest.mark.parametrize(
    ("variable", "value", "meant"),
    [
        ("PARLEY_PING", "15 s", "15"),
        ("PARLEY_WAIT", "500ms", "0.5"),
        ("PARLEY_TICKET_LIFE", "10min", "600"),
        ("PARLEY_BUFFER_BYTES", "512KiB", "524288"),
        ("PARLEY_BODY_LIMIT", "64k", "65536"),
        ("PARLEY_HS256", "unless-jwks", "unless_jwks"),
        ("PARLEY_PARTITIONS", "8k", ""),
        ("PARLEY_PING", "often", ""),
    ],
)
def test_a_value_that_is_not_taken_is_told_with_one_that_may_be_meant(
    variable: str, value: str, meant: str
) -> None:
    with pytest.raises(SettingError) as refused:
        Settings.read({variable: value})
    said = str(refused.value)
    assert said.endswith(f"(did you mean {meant}?)") if meant else "did you mean" not in said


def test_all_that_is_wrong_is_told_at_once_and_each_once() -> None:
    environ = {"PARLEY_PORT": "x", "PARLEY_SECRET_FILE": "/nowhere", "PARLEY_BROKER": "h"}
    told = [fault.variable for fault in Settings.faults(environ)]
    assert told == ["PARLEY_SECRET_FILE", "PARLEY_PORT", "PARLEY_BROKER"]
    assert Settings.faults({}) == []


def test_every_setting_is_known() -> None:
    assert unknown(Settings().environ()) == {}
