"""Headless Chromium that sees the decision page as a person's browser does: over https, at its own address."""

import datetime
import http.client
import ssl
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from playwright.sync_api import Browser, sync_playwright
from world.chromium import program as installed
from world.paths import NotSetUp

PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1280, "height": 900}


def program() -> str:
    """The browser; without one there is no test, and that is an error."""
    found = installed()
    if not found:
        raise NotSetUp("there is no Chromium; `tools/install.sh chromium` gets one or says how")
    return found


@contextmanager
def chromium(endpoint: str, host: str) -> Iterator[Browser]:
    """A browser for which `host` leads to the local AWS at `endpoint`."""
    with _tls(endpoint, host) as port, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program(),
            args=["--no-sandbox", f"--host-resolver-rules=MAP {host}:443 127.0.0.1:{port}"],
        )
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def _tls(endpoint: str, host: str) -> Iterator[int]:
    """Ends TLS for `host`, as the edge of AWS does, and passes requests on."""
    address = urlsplit(endpoint).netloc
    server = ThreadingHTTPServer(("127.0.0.1", 0), lambda *args: _Edge(address, host, *args))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.TemporaryDirectory() as folder:
        context.load_cert_chain(_certificate(host, Path(folder)))
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


class _Edge(BaseHTTPRequestHandler):
    def __init__(self, address: str, host: str, *args: Any) -> None:
        self._address, self._host = address, host
        super().__init__(*args)

    def _pass_on(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length) if length else None
        connection = http.client.HTTPConnection(self._address, timeout=60)
        try:
            headers = {name: value for name, value in self.headers.items() if name.lower() != "host"}
            path = f"/_aws/lambda-url/{self._host.split('.', 1)[0]}{self.path}"
            connection.request(self.command, path, body=body, headers=headers)
            answer = connection.getresponse()
            content = answer.read()
        finally:
            connection.close()
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in {"transfer-encoding", "connection", "content-length", "date", "server"}:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    do_GET = do_HEAD = do_POST = _pass_on  # noqa: N815

    def log_message(self, *_: Any) -> None:
        """Says nothing."""


def _certificate(host: str, folder: Path) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "local")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    path = folder / "edge.pem"
    path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM) + pem)
    return path
