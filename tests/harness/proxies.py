"""nginx and Caddy with the configuration of deploy/, on loopback, with a certificate of their own."""

import re
import shutil
import socket
import ssl
import subprocess
from collections.abc import Sequence
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from typing import Self

from tests.harness.server import ROOT, free_port, wait_until

HOST = "memory.example.com"


class Proxy:
    """A proxy in front of servers on these ports. `log` is what it wrote."""

    def __init__(self, kind: str, folder: Path, ports: Sequence[int]) -> None:
        self.folder = folder
        self.http, self.https = free_port(), free_port()
        self._certificate, self._key = folder / "certificate.pem", folder / "key.pem"
        self._command = {"nginx": self._nginx, "caddy": self._caddy}[kind](ports)

    def __enter__(self) -> Self:
        subject = ["-subj", f"/CN={HOST}", "-addext", f"subjectAltName=DNS:{HOST}"]
        made = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        files = ["-days", "2", "-out", str(self._certificate), "-keyout", str(self._key)]
        subprocess.run([*made, *subject, *files], check=True, capture_output=True)
        self.context = ssl.create_default_context(cafile=str(self._certificate))
        self._log = (self.folder / "proxy.log").open("ab")
        environment = {"HOME": str(self.folder), "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
        self._process = subprocess.Popen(self._command, env=environment, stdout=self._log, stderr=self._log)
        wait_until(self._listens)
        return self

    def __exit__(self, *error: object) -> None:
        self._process.terminate()
        self._process.wait(15)
        self._log.close()

    @property
    def log(self) -> str:
        return (self.folder / "proxy.log").read_text()

    def connection(self) -> HTTPConnection:
        return _Connection(self)

    def _listens(self) -> bool:
        assert self._process.poll() is None, self.log
        for port in (self.http, self.https):
            with closing(socket.socket()) as client:
                if client.connect_ex(("127.0.0.1", port)):
                    return False
        return True

    def _nginx(self, ports: Sequence[int]) -> list[str]:
        site = (ROOT / "deploy" / "nginx.conf").read_text()
        site = re.sub(r" *listen \[::].*\n", "", site)
        site = site.replace("listen 80;", f"listen 127.0.0.1:{self.http};")
        site = site.replace("listen 443 ", f"listen 127.0.0.1:{self.https} ")
        site = re.sub(r"/etc/letsencrypt/\S+fullchain.pem", str(self._certificate), site)
        site = re.sub(r"/etc/letsencrypt/\S+privkey.pem", str(self._key), site)
        servers = "\n".join(f"    server 127.0.0.1:{port} max_fails=0;" for port in ports)
        site = site.replace("    server 127.0.0.1:8000 max_fails=0;", servers)
        (self.folder / "site.conf").write_text(site)
        paths = "\n".join(
            f"{module}_temp_path {self.folder}/{module};"
            for module in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        main = (
            f"daemon off;\nuser root;\npid {self.folder}/nginx.pid;\nerror_log {self.folder}/proxy.log info;\n"
            f"events {{}}\nhttp {{\naccess_log off;\n{paths}\ninclude {self.folder}/site.conf;\n}}\n"
        )
        (self.folder / "nginx.conf").write_text(main)
        return [program("nginx"), "-p", str(self.folder), "-c", str(self.folder / "nginx.conf")]

    def _caddy(self, ports: Sequence[int]) -> list[str]:
        site = (ROOT / "deploy" / "Caddyfile").read_text()
        site = site.replace(
            "reverse_proxy 127.0.0.1:8000", "reverse_proxy " + " ".join(f"127.0.0.1:{p}" for p in ports)
        )
        site = site.replace(f"{HOST} {{", f"{HOST} {{\n\ttls {self._certificate} {self._key}\n", 1)
        options = (
            f"admin off\n http_port {self.http}\n https_port {self.https}\n default_bind 127.0.0.1\n"
            f" skip_install_trust\n storage file_system {self.folder}/caddy\n"
        )
        (self.folder / "Caddyfile").write_text(f"{{\n {options}}}\n{site}")
        return [program("caddy"), "run", "--config", str(self.folder / "Caddyfile"), "--adapter", "caddyfile"]


class _Connection(HTTPConnection):
    """A connection over TLS that names the proxy's host."""

    def __init__(self, proxy: Proxy) -> None:
        super().__init__(HOST, proxy.https, timeout=60)
        self._proxy = proxy

    def connect(self) -> None:
        plain = socket.create_connection(("127.0.0.1", self._proxy.https), timeout=60)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock = self._proxy.context.wrap_socket(plain, server_hostname=HOST)


def is_installed(program: str) -> bool:
    return shutil.which(program, path="/usr/sbin:/usr/bin:/usr/local/bin") is not None


def program(name: str) -> str:
    found = shutil.which(name, path="/usr/sbin:/usr/bin:/usr/local/bin")
    assert found
    return found
