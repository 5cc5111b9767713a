"""Prepares the virtual machine of `make test-vm`: a Debian kernel and a small first root.

Run it once: `python tests/vm/prepare.py`. It needs Debian's apt, downloads about 80 MB, keeps
12 MB in the user's cache folder, and installs QEMU if it is missing and may be installed.
"""

from __future__ import annotations

import gzip
import lzma
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import platformdirs

CACHE = platformdirs.user_cache_path("syntalos-miniscope") / "vm"
KERNEL, FIRST_ROOT = CACHE / "vmlinuz", CACHE / "initrd.gz"
QEMU = "qemu-system-x86_64"
MODULES = ("virtio_pci", "9pnet_virtio", "9p", "overlay", "vhci-hcd", "uvcvideo")

INIT = """#!/bin/busybox sh
busybox mkdir -p /proc /sys /dev /host /rw /new
busybox mount -t proc proc /proc
busybox mount -t sysfs sys /sys
busybox mount -t devtmpfs dev /dev
for module in $(busybox cat /modules/order); do busybox insmod /modules/$module; done
# The host's own files, read-only, under a layer that forgets: its Python runs in the guest.
busybox mount -t 9p -o trans=virtio,version=9p2000.L,msize=512000,ro,cache=loose hostroot /host
busybox mount -t tmpfs rw /rw
busybox mkdir /rw/up /rw/work
busybox mount -t overlay -o lowerdir=/host,upperdir=/rw/up,workdir=/rw/work root /new
busybox mount -t proc proc /new/proc
busybox mount -t sysfs sys /new/sys
busybox mount -t devtmpfs dev /new/dev
busybox mount -t tmpfs tmp /new/tmp
busybox ip link set lo up
for word in $(busybox cat /proc/cmdline); do
  case $word in python=*) python=${word#python=};; guest=*) guest=${word#guest=};; esac
done
busybox chroot /new /usr/bin/env HOME=/tmp PYTHONDONTWRITEBYTECODE=1 NUMBA_CACHE_DIR=/tmp \\
  $python $guest
busybox poweroff -f
"""


def main() -> int:
    """Prepare everything; 1 with a line that says what is missing."""
    if shutil.which(QEMU) is None:
        if os.geteuid() != 0:
            print("QEMU is missing: sudo apt-get install --no-install-recommends qemu-system-x86")
            return 1
        apt("install", "-y", "-q", "--no-install-recommends", "qemu-system-x86")
    if shutil.which("apt-get") is None:
        print("This needs Debian's apt-get, which is not here.")
        return 1
    with tempfile.TemporaryDirectory() as folder:
        unpacked = Path(folder)
        for package in (kernel_package(), "busybox-static"):
            apt("download", package, cwd=unpacked)
        for package in unpacked.glob("*.deb"):
            subprocess.run(["dpkg-deb", "-x", package, unpacked], check=True)
        CACHE.mkdir(parents=True, exist_ok=True)
        (kernel,) = unpacked.glob("boot/vmlinuz-*")
        shutil.copy(kernel, KERNEL)
        (busybox,) = (path for path in unpacked.glob("**/bin/busybox") if path.is_file())
        FIRST_ROOT.write_bytes(gzip.compress(first_root(busybox, unpacked), mtime=0))
    print(f"{CACHE} is ready: make test-vm")
    return 0


def apt(*arguments: str, cwd: Path | None = None) -> None:
    """Run apt-get, which may not read a folder of root's own as its user `_apt`."""
    sandbox = ("-o", "APT::Sandbox::User=root") if os.geteuid() == 0 else ()
    subprocess.run(["apt-get", "-qq", *sandbox, *arguments], check=True, cwd=cwd)


def kernel_package() -> str:
    """Give the package of the newest ordinary kernel; the cloud kernel has no cameras."""
    shown = subprocess.run(
        ["apt-cache", "depends", "linux-image-amd64"], check=True, capture_output=True, text=True
    ).stdout
    found = re.search(r"Depends: (linux-image-\S+)", shown)
    if found is None:
        raise SystemExit("apt knows no linux-image-amd64: run apt-get update")
    return found[1]


def first_root(busybox: Path, unpacked: Path) -> bytes:
    """Give the archive that the kernel starts from: busybox, modules and `init`."""
    modules = {
        path.name.split(".ko")[0].replace("-", "_"): path for path in unpacked.glob("**/*.ko*")
    }
    ordered: list[str] = []

    def add(name: str) -> None:
        name = name.replace("-", "_")
        if name in ordered or name not in modules:
            # What is not there is built into the kernel.
            return
        for needed in depends(read_module(modules[name])):
            add(needed)
        ordered.append(name)

    for name in MODULES:
        add(name)
    entries = [("bin", 0o040755, b""), ("modules", 0o040755, b"")]
    entries += [("bin/busybox", 0o100755, busybox.read_bytes()), ("init", 0o100755, INIT.encode())]
    entries += [(f"modules/{n}.ko", 0o100644, read_module(modules[n])) for n in ordered]
    order = " ".join(f"{name}.ko" for name in ordered)
    return cpio([*entries, ("modules/order", 0o100644, order.encode())])


def read_module(path: Path) -> bytes:
    """Give a module as busybox can load it."""
    return lzma.decompress(path.read_bytes()) if path.suffix == ".xz" else path.read_bytes()


def depends(module: bytes) -> list[str]:
    """Give the modules that one needs, out of its own description."""
    found = re.search(rb"\0depends=([^\0]*)\0", module)
    return [name for name in found[1].decode().split(",") if name] if found else []


def cpio(entries: list[tuple[str, int, bytes]]) -> bytes:
    """Give an archive in the kernel's `newc` format."""
    parts: list[bytes] = []
    for number, (name, mode, data) in enumerate([*entries, ("TRAILER!!!", 0, b"")], 1):
        fields = (number, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0)
        head = b"070701" + b"".join(b"%08X" % field for field in fields) + name.encode() + b"\0"
        parts += [
            head.ljust(-(-len(head) // 4) * 4, b"\0"),
            data.ljust(-(-len(data) // 4) * 4, b"\0"),
        ]
    return b"".join(parts)


if __name__ == "__main__":
    sys.exit(main())
