"""Whether a folder is on an encrypted volume, read from copies of what Linux shows in /proc and /sys."""

from pathlib import Path

import pytest

from elmemory.doctor.volumes import is_encrypted


class System:
    """A root with /proc/self/mountinfo and /sys, as a kernel would show them."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._lines: list[str] = []

    def mount(self, point: str, device: str, kind: str = "ext4", source: str = "/dev/any") -> None:
        self._lines.append(f"36 35 {device} / {point} rw,noatime shared:1 - {kind} {source} rw")
        path = self.root / "proc/self/mountinfo"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(self._lines) + "\n")

    def disk(self, name: str, device: str, *, uuid: str = "", on: tuple[str, ...] = (), part_of: str = "") -> None:
        block = self.root / "sys/devices" / part_of / name
        (block / "slaves").mkdir(parents=True)
        if part_of:
            (block / "partition").write_text("1\n")
        if uuid:
            (block / "dm").mkdir()
            (block / "dm/uuid").write_text(f"{uuid}\n")
        for other in on:
            (block / "slaves" / other).symlink_to(next((self.root / "sys/devices").rglob(other)))
        for folder, link in (("sys/dev/block", device), ("sys/class/block", name)):
            (self.root / folder).mkdir(parents=True, exist_ok=True)
            (self.root / folder / link).symlink_to(block)


@pytest.fixture
def system(tmp_path: Path) -> System:
    made = System(tmp_path)
    made.disk("sda", "8:0")
    made.disk("sda1", "8:1", part_of="sda")
    made.mount("/", "8:1")
    return made


def seen(system: System, folder: str = "/srv/data") -> bool | None:
    return is_encrypted(Path(folder), system.root)


def test_a_plain_disk_is_not_encrypted(system: System) -> None:
    assert seen(system) is False


def test_luks_is(system: System) -> None:
    system.disk("dm-0", "254:0", uuid="CRYPT-LUKS2-0123-data", on=("sda1",))
    system.mount("/srv/data", "254:0")
    assert seen(system) is True
    assert seen(system, "/srv/data/payloads") is True
    assert seen(system, "/srv/database") is False


def test_a_logical_volume_on_luks_is(system: System) -> None:
    system.disk("dm-0", "254:0", uuid="CRYPT-LUKS2-0123-data", on=("sda1",))
    system.disk("dm-1", "254:1", uuid="LVM-abc", on=("dm-0",))
    system.mount("/srv", "254:1")
    assert seen(system) is True


def test_a_logical_volume_that_stands_on_a_plain_disk_too_is_not(system: System) -> None:
    system.disk("dm-0", "254:0", uuid="CRYPT-LUKS2-0123-data", on=("sda1",))
    system.disk("dm-1", "254:1", uuid="LVM-abc", on=("dm-0", "sda1"))
    system.mount("/srv", "254:1")
    assert seen(system) is False


def test_a_file_system_of_several_devices_is_found_by_its_source(system: System) -> None:
    system.disk("dm-0", "254:0", uuid="CRYPT-PLAIN-data", on=("sda1",))
    system.mount("/srv", "0:44", "btrfs", "/dev/dm-0")
    assert seen(system) is True


def test_of_mounts_on_one_point_the_last_counts(system: System) -> None:
    system.disk("dm-0", "254:0", uuid="CRYPT-LUKS2-0123-data", on=("sda1",))
    system.mount("/srv", "8:1")
    system.mount("/srv", "254:0")
    assert seen(system) is True


def test_an_encrypting_file_system_is(system: System) -> None:
    system.mount(r"/srv/my\040data", "0:50", "fuse.gocryptfs", "/srv/cipher")
    assert seen(system, "/srv/my data") is True


@pytest.mark.parametrize(
    ("kind", "source"), [("overlay", "overlay"), ("nfs4", "files:/export"), ("tmpfs", "tmpfs"), ("zfs", "pool/data")]
)
def test_where_it_cannot_be_seen_nothing_is_claimed(system: System, kind: str, source: str) -> None:
    system.mount("/srv", "0:60", kind, source)
    assert seen(system) is None


def test_without_proc_nothing_is_claimed(tmp_path: Path) -> None:
    assert is_encrypted(tmp_path, tmp_path / "elsewhere") is None
