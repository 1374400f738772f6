"""What `parley mirror` does around MirrorMaker, in whose place a shell stands here."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from click.testing import CliRunner

from app.cli import parley
from app.embedded.child import Child
from app.errors import ParleyError, Unreachable
from app.mirror.mirror import Mirror
from app.operations import mirror_run
from app.operations.mirror_run import MirrorRun
from app.settings import Settings
from tests.support.chat import until

KILLED = (
    "2026-11-28 08:00:00,123 ERROR WorkerTask: Task threw. Task is being killed and will not"
    " recover until manually restarted\nRecordTooLargeException: too large\n"
)


class Regions:
    """A run with two other regions, and how each of them answers."""

    def __init__(self, folder: Path) -> None:
        regions = "eu=kafka://a:1 us=kafka://b:1 asia=kafka://c:1"
        self.settings = Settings(broker="kafka://a:1", region="eu", regions=regions, data=folder)
        self.answers: dict[str, ParleyError | None] = {"us": None, "asia": None}
        self.started: list[tuple[str, ...]] = []
        self.said: list[str] = []
        self.log = folder / "mirror" / "mirrormaker.log"
        self.stop = asyncio.Event()

    async def look(self, _: Settings, region: str) -> list[str]:
        if (error := self.answers[region]) is not None:
            raise error
        return []

    async def start(self, mirror: Mirror) -> None:
        self.started.append(mirror.regions)
        mirror._child = Child(["sh", "-c", "sleep 60"], self.log.with_suffix(".out"))
        mirror._child.start()

    def run(self) -> asyncio.Task[None]:
        return asyncio.create_task(MirrorRun(self.settings, self.said.append).until(self.stop))


@pytest.fixture
def regions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Regions:
    found = Regions(tmp_path)

    async def provision(*_: object) -> None:
        pass

    async def start(mirror: Mirror) -> None:
        await found.start(mirror)

    monkeypatch.setattr(mirror_run, "provision", provision)
    monkeypatch.setattr(mirror_run, "mirrored_there", found.look)
    monkeypatch.setattr(mirror_run, "_LOOK_SECONDS", 0.02)
    monkeypatch.setattr(Mirror, "start", start)
    return found


async def test_a_region_is_mirrored_once_it_answers(regions: Regions) -> None:
    regions.answers["asia"] = Unreachable("no Kafka broker answers at kafka://c:1")
    running = regions.run()
    await until(lambda: _now(regions.started), within=20)
    assert regions.started == [("us",)]
    regions.answers["asia"] = None
    await until(lambda: _now(len(regions.started) == 2), within=20)
    assert regions.started[1] == ("us", "asia")
    regions.stop.set()
    await running
    away = [line for line in regions.said if "The region asia is away" in line]
    assert len(away) == 1
    assert "kafka://c:1" in away[0]
    assert "The region asia answers again." in regions.said


async def test_a_failed_connector_is_told_and_mirrormaker_started_again(regions: Regions) -> None:
    running = regions.run()
    await until(lambda: _now(regions.started), within=20)
    regions.log.write_text(KILLED)
    await until(lambda: _now(len(regions.started) > 1), within=20)
    regions.stop.set()
    await running
    told = "\n".join(regions.said)
    assert "A connector of MirrorMaker has failed: Task threw" in told
    assert "too large" in told
    assert "started again" in told


async def test_topics_that_do_not_fit_end_it_before_they_are_mirrored(regions: Regions) -> None:
    regions.answers = dict.fromkeys(regions.answers, ParleyError("3 partitions and 8 here"))
    with pytest.raises(ParleyError, match="3 partitions and 8 here"):
        await regions.run()
    assert regions.started == []


@pytest.mark.parametrize("options", [[], ["--lag"]])
def test_one_region_alone_has_no_mirror(options: list[str], tmp_path: Path) -> None:
    environ = {"PARLEY_DATA": str(tmp_path), "PARLEY_REGIONS": "", "PARLEY_REGION": ""}
    result = CliRunner().invoke(parley, ["mirror", *options], env=environ)
    assert result.exit_code == 2
    assert "PARLEY_REGIONS is ''; it takes two regions or more" in result.output


async def _now(value: object) -> bool:
    return bool(value)
