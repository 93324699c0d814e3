"""Ctrl-C at a command, which has no clean-up of its own to report."""

import signal
import socket
import subprocess
import sys
from pathlib import Path

from tests.harness.server import ROOT, Server


def test_an_interrupted_command_says_so_without_a_traceback(tmp_path: Path) -> None:
    environment = Server(tmp_path).environment
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        process = subprocess.Popen(
            [sys.executable, "manage.py", "simulate", "--url", url],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        silent.settimeout(30)
        connection, _ = silent.accept()
        with connection:
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=20)
    assert (process.returncode, errors) == (130, "\nInterrupted.\n")
