"""Whether a folder is on an encrypted volume, as far as Linux shows it: on dm-crypt or an encrypting file system."""

import os
from collections.abc import Iterator
from pathlib import Path

_ENCRYPTING = frozenset(("ecryptfs", "fuse.encfs", "fuse.gocryptfs", "fuse.cryfs", "fuse.securefs"))
_DEEPEST = 8


def is_encrypted(folder: Path, system: Path = Path("/")) -> bool | None:
    """Whether the folder is on an encrypted volume; None if that is unknown.

    It is unknown for network and overlay file systems, if the disk or the host may encrypt, and on systems other than
    Linux. `system` is the root for reading /proc and /sys.
    """
    if not (mount := _mount_of(folder, system)):
        return None
    _, device, kind, source = mount
    if kind in _ENCRYPTING:
        return True
    block = system / "sys/dev/block" / device
    if not block.exists():
        # File systems of several devices, such as btrfs, have a device number of their own.
        block = system / "sys/class/block" / Path(os.path.realpath(source)).name
        if not source.startswith("/dev/") or not block.exists():
            return None
    return _is_crypt(block.resolve())


def file_system_of(folder: Path) -> str:
    """Return the type of the folder's file system, such as "ext4"; "" on systems other than Linux."""
    mount = _mount_of(folder, Path("/"))
    return mount[2] if mount else ""


def _mount_of(folder: Path, system: Path) -> tuple[str, str, str, str] | None:
    """Return mount point, device number, file system type and source of the folder's mount; None if unknown."""
    try:
        mounts = list(_mounts(system / "proc/self/mountinfo"))
        real = folder.resolve()
    except OSError:
        return None
    # Of several mounts on one point, the last hides the others.
    containing = (mount for mount in reversed(mounts) if real.is_relative_to(mount[0]))
    return max(containing, key=lambda mount: len(mount[0]), default=None)


def _is_crypt(block: Path, depth: int = 0) -> bool:
    """Whether the block device is a dm-crypt one, or built on such devices only: LVM or RAID on LUKS."""
    try:
        if "CRYPT-" in (block / "dm/uuid").read_text(encoding="ascii"):
            return True
    except OSError:
        pass
    if (block / "partition").exists() and depth < _DEEPEST:
        return _is_crypt(block.parent, depth + 1)
    try:
        below = [entry.resolve() for entry in (block / "slaves").iterdir()]
    except OSError:
        return False
    return bool(below) and depth < _DEEPEST and all(_is_crypt(one, depth + 1) for one in below)


def _mounts(path: Path) -> Iterator[tuple[str, str, str, str]]:
    for line in path.read_text(encoding="utf-8").splitlines():
        before, _, after = line.partition(" - ")
        fields, (kind, source, *_) = before.split(), after.split()
        yield _unescaped(fields[4]), fields[2], kind, _unescaped(source)


def _unescaped(text: str) -> str:
    """Return the text with octal escapes of blanks and backslashes decoded."""
    for escaped, plain in ((r"\040", " "), (r"\011", "\t"), (r"\012", "\n"), (r"\134", "\\")):
        text = text.replace(escaped, plain)
    return text
