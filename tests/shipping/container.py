"""A container made of Linux namespaces: a read-only root and an unprivileged user."""

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

SYSTEM = ("usr", "bin", "lib", "lib64", "etc", "dev", "proc")

# $1 is the new root, $2 the user, $3 the folder to start in; the paths up to `--` are shown in it as they are.
_ENTER = """
set -e
root=$1 user=$2 start=$3; shift 3
mount -t tmpfs -o mode=755 tmpfs "$root"
show() { mkdir -p "$root$1"; mount --rbind "$1" "$root$1"; }
while [ "$1" != -- ]; do [ -e "$1" ] && show "$1"; shift; done
shift
mkdir -p "$root/tmp"
mount -o remount,ro "$root"
for path in $(awk -v root="$root/" 'index($2, root) == 1 {print $2}' /proc/mounts); do
    case $path in "$root"/proc*|"$root"/dev*) ;; *) mount -o remount,bind,ro "$path" ;; esac
done
mount -t tmpfs -o mode=1777,size=64m tmpfs "$root/tmp"
exec /usr/sbin/chroot --userspec="$user" "$root" /bin/sh -c 'cd "$0" && exec "$@"' "$start" "$@"
"""


def can_contain() -> bool:
    """Return whether this machine allows it: Linux, as root."""
    if shutil.which("unshare") is None or os.getuid() != 0:
        return False
    return subprocess.run(["unshare", "--mount", "true"], check=False, capture_output=True).returncode == 0


def contained(
    root: Path, user: str, start: Path, shown: Sequence[Path], command: Sequence[str], environment: Mapping[str, str]
) -> subprocess.Popen[str]:
    """Start a command in it. The new root is mounted on the empty folder `root`; the system and the paths in `shown`
    are readable; only /tmp, a tmpfs, is writable."""
    root.mkdir(parents=True, exist_ok=True)
    paths = [*(f"/{name}" for name in SYSTEM), *map(str, shown)]
    enter = ["unshare", "--mount", "sh", "-c", _ENTER, "enter", str(root), user, str(start), *paths, "--", *command]
    return subprocess.Popen(
        enter, env=dict(environment), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    )
