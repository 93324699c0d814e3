"""The systemd units of deploy/, as systemd reads them."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.harness.server import ROOT

UNITS = ROOT / "deploy" / "systemd"
SERVICES = sorted(UNITS.glob("elmemory*.service"))
has_systemd = pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed")


@has_systemd
def test_systemd_finds_no_fault_in_any_unit(tmp_path: Path) -> None:
    for unit in UNITS.glob("elmemory*"):
        # The program is not installed here.
        text = re.sub(r"ExecStart=\S+", "ExecStart=/bin/true", unit.read_text())
        (tmp_path / unit.name).write_text(text)
    command = ["systemd-analyze", "verify", "--man=no", *map(str, sorted(tmp_path.iterdir()))]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@has_systemd
@pytest.mark.parametrize("unit", SERVICES, ids=lambda unit: unit.stem)
def test_a_service_may_do_little_beside_its_work(unit: Path) -> None:
    command = ["systemd-analyze", "security", "--offline=true", "--threshold=20", "--no-pager", str(unit)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-200:]


def test_all_services_are_confined_alike() -> None:
    def confinement(unit: Path) -> list[str]:
        lines = unit.read_text().splitlines()
        return [line for line in lines if re.match("Protect|Private|Restrict|SystemCall|NoNew|Capab|Lock|User=", line)]

    first = confinement(SERVICES[0])
    assert {"User=elmemory", "ProtectSystem=strict", "NoNewPrivileges=yes"} <= set(first)
    assert all(confinement(unit) == first for unit in SERVICES)
