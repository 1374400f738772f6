from __future__ import annotations

import re

from app.mirror.mirror_properties import mirror_properties
from app.settings import Settings
from app.topics import LOG, MIRRORED, RAW, TOPICS, of_region

THREE = Settings(
    broker="kafka://a:1",
    region="eu",
    regions="eu=kafka://a:1 us=kafka://b:2,c:3 asia=kafka://d:4",
    replication=3,
)


def properties(text: str) -> dict[str, str]:
    pairs = (line.partition("=") for line in text.splitlines())
    return {name: value.replace("\\\\", "\\") for name, _, value in pairs}


def test_all_other_regions_flow_into_this_one_and_nothing_flows_out() -> None:
    found = properties(mirror_properties(THREE))
    assert found["clusters"] == "us,asia,eu"
    enabled = {name for name in found if re.fullmatch(r".*->.*\.enabled", name)}
    assert enabled == {"us->eu.enabled", "asia->eu.enabled"}
    assert found["us.bootstrap.servers"] == "b:2,c:3"
    assert found["eu.bootstrap.servers"] == "a:1"


def test_some_regions_alone_can_be_mirrored() -> None:
    found = properties(mirror_properties(THREE, ["asia"]))
    assert found["clusters"] == "asia,eu"
    assert not [name for name in found if name.startswith("us")]


def test_the_topics_are_those_that_are_mirrored_and_none_that_a_mirror_wrote() -> None:
    patterns = properties(mirror_properties(THREE))["us->eu.topics"].split(",")
    names = [topic.name for topic in TOPICS]
    names += [*(of_region("asia", name) for name in names), "chatxlog", "chat.log2"]
    taken = {name for name in names if any(re.fullmatch(one, name) for one in patterns)}
    assert taken == set(MIRRORED)
    assert LOG in taken
    assert RAW not in taken


def test_copies_of_another_regions_records_are_left_out() -> None:
    found = properties(mirror_properties(THREE))
    for flow in ("us->eu", "asia->eu"):
        predicate = found[f"{flow}.transforms.{found[f'{flow}.transforms']}.predicate"]
        assert found[f"{flow}.predicates.{predicate}.type"].endswith(".HasHeaderKey")
        assert found[f"{flow}.predicates.{predicate}.name"] == "home"


def test_topics_of_mirrormaker_are_replicated_as_parleys_are() -> None:
    found = properties(mirror_properties(THREE))
    factors = {name: value for name, value in found.items() if name.endswith("replication.factor")}
    assert set(factors.values()) == {"3"}
    assert {"replication.factor", "offset.storage.replication.factor"} < set(factors)
