"""Files of records: what is written comes back, and damage is told."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.backup.copied_record import CopiedRecord
from app.backup.segment_file import SegmentWriter, read_segment
from app.errors import ParleyError

RECORDS = st.lists(
    st.builds(
        CopiedRecord,
        offset=st.integers(0, 2**62),
        timestamp_ms=st.integers(-1, 2**62),
        key=st.none() | st.binary(max_size=50),
        value=st.none() | st.binary(max_size=5000),
        headers=st.lists(
            st.tuples(st.text(max_size=9), st.none() | st.binary(max_size=20)), max_size=3
        ).map(tuple),
    ),
    max_size=30,
)


def written(path: Path, records: list[CopiedRecord]) -> Path:
    writer = SegmentWriter(path)
    writer.write(records)
    writer.finish()
    return path


@settings(max_examples=50)
@given(RECORDS)
def test_any_record_comes_back_as_it_was(records: list[CopiedRecord]) -> None:
    with TemporaryDirectory() as folder:
        path = written(Path(folder) / "a.gz", records)
        assert [one for chunk in read_segment(path, len(records)) for one in chunk] == records


SOME = [CopiedRecord(i, 1, b"k", b"value %d" % i, ()) for i in range(3000)]


def test_a_file_that_is_written_has_no_name_until_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.gz"
    writer = SegmentWriter(path)
    writer.write(SOME)
    assert not path.exists()
    writer.discard()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("cut", [0, 1, 100, -1, -9])
def test_a_file_that_was_cut_is_told(tmp_path: Path, cut: int) -> None:
    path = written(tmp_path / "a.gz", SOME)
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(ParleyError, match=r"a\.gz"):
        list(read_segment(path, len(SOME)))


def test_a_file_with_one_altered_byte_is_told(tmp_path: Path) -> None:
    path = written(tmp_path / "a.gz", SOME)
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 1
    path.write_bytes(raw)
    with pytest.raises(ParleyError, match=r"a\.gz"):
        list(read_segment(path, len(SOME)))


def test_a_file_with_other_records_than_the_manifest_says_is_told(tmp_path: Path) -> None:
    path = written(tmp_path / "a.gz", SOME)
    with pytest.raises(ParleyError, match="3000 records instead of 3001"):
        list(read_segment(path, len(SOME) + 1))


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(ParleyError, match=r"gone\.gz"):
        list(read_segment(tmp_path / "gone.gz", 1))
