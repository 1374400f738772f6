from __future__ import annotations

import math
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.rate_limit import parse, rate
from app.errors import SettingError
from app.history.engine import history_url
from app.settings import Settings, named
from web.limits.kinds import KINDS, Kind, rates

SWITCHES = {
    **dict.fromkeys(("1", "true", "yes", "on", "TRUE", "Yes", "oN", " on "), True),
    **dict.fromkeys(("0", "false", "no", "off", "FALSE", "No", "oFF", " off "), False),
}

#: Fields by what they take, with the message's words for it.
WHOLE = {
    "partitions": "a number from 1 to 24",
    "replication": "a number from 1 to 32767",
    "min_insync": "a number from 1 to 32767",
    "agents_memory": "a number from 128 to 1048576",
    "health_port": "a number from 0 to 65535",
    "prometheus_port": "a number from 0 to 65535",
    "text_limit": "a number, 1 or more",
    "port": "a number from 0 to 65535",
    "retry_ms": "a number, 0 or more",
    "window": "a number, 1 or more",
    "buffer_events": "a number, 1 or more",
    "buffer_bytes": "a number, 1 or more",
    "send_buffer": "a number from 0 to 2147483647",
    "streams": "a number, 1 or more",
    "body_limit": "a number, 1 or more",
    "connections": "a number, 0 or more",
    "polls": "a number, 1 or more",
    "rooms": "a number, 1 or more",
    "members": "a number, 1 or more",
    "answer_bytes": "a number, 65536 or more",
    "window_bytes": "a number, 65536 or more",
}
SECONDS = {
    "stall": "a number of seconds above 0",
    "wait": "a number of seconds, 0 or more",
    "ping": "a number of seconds above 0",
    "ticket_life": "a number of seconds above 0",
    "stream_life": "a number of seconds above 0",
    "webhook_life": "a number of seconds above 0",
    "push_wait": "a number of seconds, 0 or more",
}
LIMITS = {
    "partitions": (1, 24),
    "replication": (1, 32767),
    "min_insync": (1, 32767),
    "agents_memory": (128, 2**20),
    "health_port": (0, 65535),
    "prometheus_port": (0, 65535),
    "port": (0, 65535),
    "send_buffer": (0, 2**31 - 1),
}


def refused(field: str, value: str) -> SettingError:
    """The error that names the variable."""
    variable = f"PARLEY_{field.upper()}"
    with pytest.raises(SettingError) as raised:
        Settings.read({variable: value})
    assert raised.value.variable == variable
    return raised.value


def read(field: str, value: str) -> Any:
    return getattr(Settings.read({f"PARLEY_{field.upper()}": value}), field)


def test_every_field_that_is_no_text_is_among_the_cases_below() -> None:
    other = {"agents_show", "data", "hs256", "limits", "native", "presence", "proxy_header"}
    other |= {"push_text", "trace_sample"}
    texts = {f.name for f in fields(Settings) if isinstance(getattr(Settings(), f.name), str)}
    assert {f.name for f in fields(Settings)} == texts | other | WHOLE.keys() | SECONDS.keys()


@pytest.mark.parametrize("lacking", ["PARLEY_ISSUER", "PARLEY_AUDIENCE"])
def test_a_key_set_needs_an_issuer_and_an_audience(lacking: str) -> None:
    whole = {
        "PARLEY_JWKS": "keys.json",
        "PARLEY_ISSUER": "https://id.example",
        "PARLEY_AUDIENCE": "parley",
    }
    assert Settings.read(whole).jwks == "keys.json"
    with pytest.raises(SettingError, match=f"{lacking} is ''.*since PARLEY_JWKS is set"):
        Settings.read({**whole, lacking: ""})


@pytest.mark.parametrize(
    ("hs256", "jwks", "takes"),
    [
        *(("unless_jwks", "", True), ("unless_jwks", "k", False), ("on", "k", True)),
        *(("off", "", False), ("on", "", True), ("off", "k", False)),
    ],
)
def test_tokens_of_the_secret_are_taken_where_asked_for(hs256: Any, jwks: str, takes: bool) -> None:
    assert Settings(hs256=hs256, jwks=jwks).takes_hs256 is takes


@pytest.mark.parametrize(
    "settings",
    [
        Settings(),
        Settings(port=81, ping=2.5, data=Path("/x"), broker="kafka://a:1,b:2"),
        Settings(native=False, presence="nobody", stream_life=0.7, wait=0.0, health_port=65535),
    ],
)
def test_another_process_reads_the_same_settings(settings: Settings) -> None:
    inherited = {"PARLEY_PORT": "9", "PARLEY_HISTORY": "sqlite://", "PARLEY_NATIVE": "ture"}
    assert Settings.read({**inherited, **settings.environ()}) == settings


def test_what_is_set_to_its_default_is_still_named() -> None:
    assert named({"PARLEY_BROKER": Settings().broker, "PARLEY_REDIS": ""}) == {"broker"}


def test_an_empty_variable_counts_as_not_set() -> None:
    assert Settings.read({f"PARLEY_{f.name.upper()}": "" for f in fields(Settings)}) == Settings()


@pytest.mark.parametrize(
    ("variable", "value", "takes"),
    [
        ("PARLEY_PORT", "http", "a number"),
        ("PARLEY_PARTITIONS", "25", "1 to 24"),
        ("PARLEY_SECRET", "short", "at least 32 characters"),
        ("PARLEY_BROKER", "127.0.0.1:9092", "kafka://host:port"),
        ("PARLEY_REGIONS", "eu=kafka://a", "two regions or more"),
        ("PARLEY_REGIONS", "eu=kafka://a eu=kafka://b", "each region once"),
        ("PARLEY_REGIONS", "eu=kafka://a chat=kafka://b", "two regions or more"),
        ("PARLEY_REGIONS", "eu=kafka://a US=kafka://b", "two regions or more"),
        ("PARLEY_REGIONS", "eu=a:9092 us=b:9092", "two regions or more"),
        ("PARLEY_REGION", "eu", "PARLEY_REGIONS is .*two regions or more"),
        ("PARLEY_PUSH_KEY", "A" * 43, "a key from `parley push-key`"),
        ("PARLEY_PUSH_CONTACT", "me@example.org", "mailto:you@example.org"),
        ("PARLEY_PUSH_GATEWAY", "push.example.org", "a URL"),
        ("PARLEY_OTLP", "collector:4318", "a URL"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named(variable: str, value: str, takes: str) -> None:
    with pytest.raises(SettingError, match=f"{takes}") as raised:
        Settings.read({variable: value})
    assert f"{variable} is " in str(raised.value) or variable == "PARLEY_REGION"


def test_the_region_is_one_of_the_regions() -> None:
    regions = {"PARLEY_REGIONS": "eu=kafka://a:1,b:1 us=kafka://c:1"}
    with pytest.raises(SettingError, match="one of the regions of PARLEY_REGIONS: eu, us"):
        Settings.read({**regions, "PARLEY_REGION": "ap"})
    settings = Settings.read({**regions, "PARLEY_REGION": "us"})
    assert settings.region_brokers == {"eu": "kafka://a:1,b:1", "us": "kafka://c:1"}
    assert settings.other_regions == ("eu",)


@pytest.mark.parametrize(("value", "means"), SWITCHES.items())
def test_a_switch_is_read_in_any_case(value: str, means: bool) -> None:
    assert read("native", value) is means


@pytest.mark.parametrize("value", ["ture", "2", "-1", "y", "n", "t", "none", "1.0", "on off", " "])
def test_a_switch_is_not_guessed(value: str) -> None:
    assert str(refused("native", value)) == (
        f"PARLEY_NATIVE is {value!r}; it takes 1, true, yes or on, or 0, false, no or off"
    )


@given(st.text(min_size=1, max_size=6))
def test_any_other_text_is_no_switch(value: str) -> None:
    if value.strip().lower() not in SWITCHES:
        refused("native", value)


@pytest.mark.parametrize(("field", "takes"), WHOLE.items())
@pytest.mark.parametrize(
    "value", ["x", "1.5", "0x10", "1 2", "1,000", "true", "nan", "inf", "-1", " "]
)
def test_a_whole_number_is_nothing_else(field: str, takes: str, value: str) -> None:
    assert str(refused(field, value)).endswith(f" is {value!r}; it takes {takes}")


@pytest.mark.parametrize("field", sorted(WHOLE))
def test_a_whole_number_may_have_spaces_around_it(field: str) -> None:
    least = 70_000 if "65536" in WHOLE[field] else max(7, LIMITS.get(field, (0, 0))[0])
    assert read(field, f" {least}\n") == least


@pytest.mark.parametrize(("field", "limits"), LIMITS.items())
def test_both_limits_of_a_number_are_taken_and_what_is_beyond_is_not(
    field: str, limits: tuple[int, int]
) -> None:
    least, most = limits
    assert [read(field, str(least)), read(field, str(most))] == [least, most]
    refused(field, str(least - 1))
    refused(field, str(most + 1))
    refused(field, "9" * 40)


@pytest.mark.parametrize(
    "field", ["text_limit", "window", "buffer_events", "buffer_bytes", "streams", "body_limit"]
)
def test_a_count_of_nothing_is_no_limit_to_set(field: str) -> None:
    assert read(field, "1") == 1
    refused(field, "0")


@pytest.mark.parametrize(("field", "takes"), SECONDS.items())
@pytest.mark.parametrize(
    "value", ["x", "nan", "-nan", "inf", "-inf", "1e400", "-0.1", "3s", "1,5", " "]
)
def test_a_duration_is_a_number_with_an_end(field: str, takes: str, value: str) -> None:
    assert f" is {value!r}; it takes {takes}" in str(refused(field, value))


@pytest.mark.parametrize("field", sorted(SECONDS))
def test_a_duration_may_be_whole_or_a_part_of_a_second(field: str) -> None:
    values = [read(field, value) for value in ("3600", "0.2", " 1e3 ")]
    assert values == [3600.0, 0.2, 1000.0]
    assert {type(value) for value in values} == {float}


def test_sends_and_pushes_may_wait_for_no_time_and_no_other_duration_is_zero() -> None:
    assert read("wait", "0") == read("push_wait", "0") == 0.0
    for field in SECONDS.keys() - {"wait", "push_wait"}:
        refused(field, "0")


@pytest.mark.parametrize("value", ["Rooms", "room", "everyone,nobody", "1"])
def test_presence_is_one_of_three_words(value: str) -> None:
    assert [read("presence", word) for word in ("everyone", "rooms", "nobody")] == [
        *("everyone", "rooms", "nobody")
    ]
    assert "it takes everyone or nobody or rooms" in str(refused("presence", value))


def test_the_data_folder_is_a_path_and_text_is_taken_as_it_is() -> None:
    assert read("data", "/var/lib/parley") == Path("/var/lib/parley")
    assert read("issuer", " true ") == " true "
    assert read("worker", "1") == "1"


@pytest.mark.parametrize(
    ("broker", "bootstrap"),
    [
        ("kafka://a:9092", ["a:9092"]),
        ("kafka://a", ["a"]),
        ("kafka://a.example:1,b_1:65535", ["a.example:1", "b_1:65535"]),
        ("kafka://[::1]:9092,10.0.0.1:9092", ["[::1]:9092", "10.0.0.1:9092"]),
    ],
)
def test_a_broker_is_one_address_or_more(broker: str, bootstrap: list[str]) -> None:
    assert Settings.read({"PARLEY_BROKER": broker}).bootstrap == bootstrap


@pytest.mark.parametrize(
    "value",
    [
        *("a:9092", "http://a:9092", "kafka://", "kafka://a:9092,", "kafka://:9092"),
        *("kafka://a:0", "kafka://a:65536", "kafka://a:x", "kafka://a b:1", "kafka://a:1/x"),
        *("kafka://me:hunter2@a:1", "kafka://me@a", "kafka://a:1,me:hunter2@b:1"),
    ],
)
def test_a_broker_without_an_address_is_refused(value: str) -> None:
    assert "it takes kafka://host:port" in str(refused("broker", value))


@pytest.mark.parametrize(
    "value",
    [
        *("redis://h", "redis://h:6379", "redis://h:6379/12", "rediss://u:p@h:6379/0"),
        *("redis://", "redis://h/?db=2", "unix:///run/valkey.sock?db=1", "redis://[::1]:6379/0"),
    ],
)
def test_a_url_that_redis_py_takes_is_taken(value: str) -> None:
    assert read("redis", value) == value


@pytest.mark.parametrize(
    "value",
    [
        *("h:6379", "http://h:6379", "redis:h", "REDIS://h", "valkey://h:6379"),
        *("redis://h:65536", "redis://h:0", "redis://h:x", "redis://h:6379/ten", "redis://[::1"),
    ],
)
def test_a_url_that_redis_py_would_not_follow_is_refused(value: str) -> None:
    assert "it takes redis://host:port/number" in str(refused("redis", value))


@pytest.mark.parametrize("value", ["redis://me@h", "rediss://me:@h:1/0", "unix://me@/run/v.sock"])
def test_a_user_of_valkey_s_without_a_password_is_refused(value: str) -> None:
    assert "it takes a password with the user" in str(refused("redis", value))


@pytest.mark.parametrize(
    "value", ["hook.example/put", "ftp://hook.example", "http://", "https:///x"]
)
def test_an_upload_hook_is_a_web_address(value: str) -> None:
    assert read("upload_hook", "https://hook.example/put") == "https://hook.example/put"
    assert "it takes a URL" in str(refused("upload_hook", value))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("redis", "redis://me:hunter2@h:99999/0"),
        ("redis", "redis://me:a@hunter2@h:99999/0"),
        ("upload_hook", "ftp://me:hunter2@h/"),
        ("secret", "hunter2"),
        ("secret_other", "hunter2"),
        ("broker", "kafka://me:hunter2@h:9092"),
    ],
)
def test_an_error_does_not_show_a_password(field: str, value: str) -> None:
    assert "hunter2" not in str(refused(field, value))


def test_fields_given_by_keyword_are_looked_at_by_checked_alone() -> None:
    for odd in (
        {"ping": math.nan},
        {"partitions": 0},
        {"port": True},
        {"presence": "some"},
        {"window": "9"},
    ):
        settings = replace(Settings(), **odd)
        (field,) = odd
        with pytest.raises(SettingError, match=f"PARLEY_{field.upper()} is "):
            settings.checked()
    whole = Settings(ping=2, data=Path("x"))
    assert whole.checked() is whole


FOLDER = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0/"), min_size=1)


@given(FOLDER.filter(lambda name: name not in {".", ".."}))
def test_history_is_in_the_data_folder_whatever_its_letters(name: str) -> None:
    url = history_url(Settings(data=Path("/somewhere") / name).history_url)
    assert url.database == f"/somewhere/{name}/history.db"
    assert url.query == {}


RATES = sorted(f.name for f in fields(Settings) if f.name.startswith("limit_"))


@pytest.mark.parametrize("field", RATES)
def test_a_rate_is_requests_and_seconds_or_off(field: str) -> None:
    for value in ("60/30", " 1 / 86400", "off", "OFF"):
        assert read(field, value) == value
        assert parse(value) == parse(read(field, value))
    for value in ("60", "0/1", "1/0", "-1/1", "1.5/1", "60/min", "60/30/1", "on", "٣/٣"):
        takes = "it takes requests/seconds, such as 60/30, or off"
        assert str(refused(field, value)).endswith(takes)


def test_every_kind_has_a_rate_and_every_rate_a_kind() -> None:
    assert sorted(f"limit_{kind}" for kind in KINDS) == RATES


@pytest.mark.parametrize("value", ["0", "0.5", "1000"])
def test_a_factor_changes_all_rates_at_once(value: str) -> None:
    settings = Settings.read({"PARLEY_LIMITS": value, "PARLEY_LIMIT_SEND": "60/30"})
    found = rates(settings)
    if settings.limits == 0:
        assert found == {}
    else:
        assert found[Kind.SEND] == rate(60 * settings.limits, 30)
        assert len(found) == len(RATES)


@pytest.mark.parametrize("value", ["-1", "nan", "inf", "1e7", "x", "2x"])
def test_a_factor_is_a_number(value: str) -> None:
    assert str(refused("limits", value)).endswith("it takes a number from 0 to 1000000")


@pytest.mark.parametrize("value", ["-0.1", "nan", "inf", "1.1", "x", "1%"])
def test_a_share_is_a_number_from_0_to_1(value: str) -> None:
    assert str(refused("trace_sample", value)).endswith("it takes a number from 0 to 1")
    assert [read("trace_sample", share) for share in ("0", "0.25", "1")] == [0, 0.25, 1]


@pytest.mark.parametrize("value", ["10.0.0.0/8", "127.0.0.1, ::1", "2001:db8::/32,", " "])
def test_proxies_are_networks(value: str) -> None:
    assert read("proxies", value) == value
    for wrong in ("localhost", "10.0.0.0/33", "10.0.0", "*"):
        assert "it takes networks" in str(refused("proxies", wrong))
