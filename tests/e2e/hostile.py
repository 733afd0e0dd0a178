"""A service whose answers are meant to take a gate's memory or time."""

import threading
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

MIB = 1024 * 1024


@cache
def nested() -> bytes:
    """A mebibyte of small lists: as a tree it is a hundred times as large."""
    return b"[" + b"[0]," * (MIB // 4 - 2) + b"[0]]"


@cache
def bomb() -> bytes:
    """A quarter of a gibibyte of zeros, compressed."""
    squeeze = zlib.compressobj(9, zlib.DEFLATED, 31)
    return b"".join(squeeze.compress(bytes(MIB)) for _ in range(256)) + squeeze.flush()


class Handler(BaseHTTPRequestHandler):
    """Each path is an attack."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """The attack that the path names."""
        with suppress(OSError):
            getattr(self, f"_{self.path.strip('/').split('?')[0]}")()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Nothing."""

    def _send(self, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(200)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _well(self) -> None:
        self._send(b'{"version": "1.2.0"}', {"content-type": "application/json"})

    def _nested(self) -> None:
        self._send(nested(), {"content-type": "application/json"})

    def _bomb(self) -> None:
        self._send(bomb(), {"content-encoding": "gzip", "content-type": "application/json"})

    def _headers(self) -> None:
        lines = b"".join(b"x-h%d: v\r\n" % n for n in range(24_000))
        self.wfile.write(b"HTTP/1.1 200 OK\r\n" + lines + b"content-length: 2\r\n\r\n{}")
        self.close_connection = True

    def _endless(self) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        while True:
            self.wfile.write(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")

    def _drip(self) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n")
        while True:
            self.wfile.write(b"x")
            self.wfile.flush()
            time.sleep(0.1)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256


@contextmanager
def hostile() -> Iterator[int]:
    """The service; yields its port."""
    server = _Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
