"""The collector of docs/tracing.md runs as it stands there."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from app.embedded.ports import free_port
from app.settings import Settings
from app.tracing.tracing import Tracing
from tests.docs.markdown import ROOT, blocks


async def test_the_collector_of_the_page_shows_spans(tmp_path: Path) -> None:
    (code,) = blocks(ROOT / "docs" / "tracing.md", "python")
    script = tmp_path / "collector.py"
    script.write_text(code)
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(script), str(port)), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        tracing = Tracing(Settings(otlp=f"http://127.0.0.1:{port}", trace_sample=1.0))
        tracing.start("tests", "one")
        span = tracing.of_request("POST /v1/rooms", None, 1)
        assert span is not None
        span.note(parley_room="tea", parley_n=7)
        span.end()
        # It is sent again until the collector listens.
        async with asyncio.timeout(30):
            line = (await process.stdout.readline()).decode()
        await tracing.stop()
    finally:
        process.terminate()
        await process.wait()
    assert line.startswith(span.place.trace_id)
    assert "POST /v1/rooms {'parley.room': 'tea', 'parley.n': 7}" in line
