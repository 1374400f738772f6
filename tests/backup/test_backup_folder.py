"""The folder of a backup: what is wrong with one is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.backup.backup_folder import BackupFolder, CopiedPartition, Manifest, Segment
from app.errors import ParleyError


def manifest() -> Manifest:
    return Manifest(deployment="d", partitions=8, at_ms=5)


def test_a_folder_without_a_backup_is_told(tmp_path: Path) -> None:
    with pytest.raises(ParleyError, match=r"has no backup: manifest\.json is missing"):
        BackupFolder(tmp_path).existing()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"deployment": 1}'])
def test_a_manifest_that_is_none_is_told(tmp_path: Path, text: str) -> None:
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(ParleyError, match="is not the manifest of a backup"):
        BackupFolder(tmp_path).existing()


def test_a_format_of_a_later_release_is_told(tmp_path: Path) -> None:
    later = manifest()
    later.format = 2
    BackupFolder(tmp_path).write(later)
    with pytest.raises(ParleyError, match="has the format 2"):
        BackupFolder(tmp_path).existing()


def test_files_that_a_backup_left_when_it_was_killed_are_removed(tmp_path: Path) -> None:
    for name in ("0-1.gz", "0-2.gz", "1-1.part"):
        (tmp_path / "chat.log").mkdir(exist_ok=True)
        (tmp_path / "chat.log" / name).write_bytes(b"")
    found = manifest()
    kept = Segment(file="chat.log/0-1.gz", count=0)
    place = CopiedPartition(topic="chat.log", partition=0, first=0, next=1, segments=[kept])
    found.places.append(place)
    BackupFolder(tmp_path).write(found)
    assert [path.name for path in (tmp_path / "chat.log").iterdir()] == ["0-1.gz"]
    assert BackupFolder(tmp_path).existing() == found


def test_a_folder_of_something_else_is_refused_and_keeps_its_files(tmp_path: Path) -> None:
    photo = tmp_path / "photos" / "cat.gz"
    photo.parent.mkdir()
    photo.write_bytes(b"a cat")
    with pytest.raises(ParleyError, match=r"other files \(photos\): choose an empty folder"):
        BackupFolder(tmp_path).require_own()
    BackupFolder(tmp_path).write(manifest())
    assert photo.read_bytes() == b"a cat"


def test_the_folder_of_an_interrupted_backup_is_taken(tmp_path: Path) -> None:
    (tmp_path / "chat.log").mkdir()
    BackupFolder(tmp_path).require_own()
    BackupFolder(tmp_path / "none yet").require_own()
