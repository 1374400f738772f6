"""nginx with nchan, the C server that the edge is compared with: Debian's own build."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar

from app.embedded.child import Child
from app.embedded.ports import free_port
from bench.edge.messages import message

_MODULE = Path("/usr/lib/nginx/modules/ngx_nchan_module.so")

_CONFIG = """
load_module {module};
worker_processes 1;
daemon off;
pid {folder}/nginx.pid;
error_log stderr error;
events {{ worker_connections 20000; }}
http {{
  access_log off;
  nchan_shared_memory_size 256M;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  keepalive_requests 100000000;
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    nchan_message_buffer_length 200;
    location = /pub {{ nchan_publisher; nchan_channel_id $arg_id; }}
    location = /sub {{
      nchan_subscriber eventsource; nchan_channel_id $arg_id;
      nchan_subscriber_first_message newest;
    }}
    location = /poll {{
      nchan_subscriber longpoll; nchan_channel_id $arg_id;
      nchan_subscriber_first_message newest;
    }}
  }}
}}
"""


def missing() -> str:
    """The missing packages, as a sentence; empty where all are installed."""
    if shutil.which("nginx") is None and not Path("/usr/sbin/nginx").exists():
        return "nginx is not installed (Debian: apt-get install nginx libnginx-mod-nchan)"
    if not _MODULE.exists():
        return "nginx has no nchan (Debian: apt-get install libnginx-mod-nchan)"
    return ""


class Nchan:
    """A server with one worker process. Each room is a channel."""

    name = "nchan"
    talks_first: ClassVar = {"stream": True, "poll": False, "stall": True}

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        config = folder / "nginx.conf"
        config.write_text(_CONFIG.format(module=_MODULE, folder=folder, port=self.port))
        command = [shutil.which("nginx") or "/usr/sbin/nginx", "-p", str(folder), "-c", str(config)]
        self._child = Child(command, folder / "nginx.log", {})
        self._n = 0

    @property
    def pid(self) -> int:
        """The worker's process."""
        master = self._child.pid
        text = Path(f"/proc/{master}/task/{master}/children").read_text()
        return int(text.split()[0])

    @property
    def pids(self) -> list[int]:
        """The one of them."""
        return [self.pid]

    async def start(self) -> None:
        """Start it, and open the connection for publishing."""
        self._child.start()
        for _ in range(100):
            await asyncio.sleep(0.1)
            try:
                self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self.port)
            except OSError:
                continue
            return
        raise RuntimeError(self._child.tail())

    async def stop(self) -> None:
        """Stop it."""
        await self._child.stop(5)

    async def seat(self, rooms: list[str], readers: int) -> None:
        """Do nothing: nchan lets any client read a channel."""

    def requests(self, mode: str, rooms: list[str], readers: int) -> list[tuple[bytes, bytes]]:
        """The first request of each reader, and the next ones."""
        path = "poll" if mode == "poll" else "sub"
        asked = []
        for i in range(readers):
            accept = "" if mode == "poll" else "Accept: text/event-stream\r\n"
            line = f"GET /{path}?id={rooms[i % len(rooms)]} HTTP/1.1\r\n"
            head = f"{line}Host: a\r\n{accept}".encode()
            again = head + b"If-Modified-Since: \1\r\nIf-None-Match: \2\r\n\r\n"
            asked.append((head + b"\r\n", again))
        return asked

    async def publish(self, rooms: Iterable[str]) -> None:
        """A message to each of the rooms, in one go."""
        sent = 0
        for room in rooms:
            self._n += 1
            _, body = message(room, self._n)
            head = f"POST /pub?id={room} HTTP/1.1\r\nHost: a\r\nContent-Length: {len(body)}\r\n\r\n"
            self._writer.write(head.encode() + body)
            sent += 1
        for _ in range(sent):
            head_ = await self._reader.readuntil(b"\r\n\r\n")
            length = int(head_.lower().split(b"content-length:")[1].split(b"\r\n")[0])
            await self._reader.readexactly(length)
