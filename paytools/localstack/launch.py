"""Become another program, as another user if asked, tied to the life of the parent if asked.

Run as a file (`python -I -S launch.py '<json>' program argument...`), never imported: what it does between fork and
exec cannot safely be done in a `preexec_fn`, because the caller may hold threads of gRPC or librdkafka. Standard
library only, so that it starts fast.
"""

import ctypes
import json
import os
import sys
from typing import Any

PR_SET_PDEATHSIG = 1
PR_SET_SECUREBITS = 28
SECBIT_NO_SETUID_FIXUP = 1 << 2
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_RAISE = 2
CAP_DAC_OVERRIDE = 1
CAP_DAC_READ_SEARCH = 2
LINUX_CAPABILITY_VERSION_3 = 0x20080522
FILE_DESCRIPTORS_MAX = 4096
ADVICE = "run as an ordinary user, or keep data and packages in directories that every user may pass through"


def main() -> None:
    """Apply the request in the first argument, then become the program in the others; the process id stays the same."""
    request = json.loads(sys.argv[1])
    os.setsid()
    os.chdir(request["directory"])
    if request["user"] is not None:
        try:
            _become(request["user"], may_read_all=request["may_read_all"])
        except OSError as error:
            sys.exit(f"cannot become another user: {error}; {ADVICE}")
    if request["parent"] is not None:
        _die_with_parent(request["parent"], signal=request["parent_signal"])
    # A server must not keep the caller's sockets and locks open.
    os.closerange(3, FILE_DESCRIPTORS_MAX)
    program = sys.argv[2:]
    os.execv(program[0], program)  # noqa: S606


def _become(user: dict[str, int], *, may_read_all: bool) -> None:
    """Drop root for good; `may_read_all` keeps one capability, to pass through directories closed to that user."""
    libc = ctypes.CDLL(None, use_errno=True)
    if may_read_all:
        # Capabilities then outlast the change of user, and access(2), by which PostgreSQL checks its files, heeds them.
        _call(libc.prctl, PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP, 0, 0, 0)
    os.setgroups([])
    os.setgid(user["gid"])
    os.setuid(user["uid"])
    if may_read_all:
        _keep_one_of(libc, CAP_DAC_READ_SEARCH, CAP_DAC_OVERRIDE)


def _keep_one_of(libc: Any, narrow: int, wide: int) -> None:
    """Keep the narrow capability; containers often withhold it and grant the wide one."""
    try:
        _keep_capability(libc, narrow)
    except OSError:
        _keep_capability(libc, wide)


def _keep_capability(libc: Any, capability: int) -> None:
    header = (ctypes.c_uint32 * 2)(LINUX_CAPABILITY_VERSION_3, 0)
    bit = 1 << capability
    sets = (ctypes.c_uint32 * 6)(bit, bit, bit, 0, 0, 0)  # effective, permitted, inheritable; low word, high word
    _call(libc.capset, header, sets)
    _call(libc.prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0)


def _die_with_parent(parent: int, *, signal: int) -> None:
    """Ask the kernel for `signal` when the thread that started this process ends; changing user clears the request."""
    if not sys.platform.startswith("linux"):
        return
    _call(ctypes.CDLL(None, use_errno=True).prctl, PR_SET_PDEATHSIG, signal, 0, 0, 0)
    if os.getppid() != parent:  # It died before we asked.
        sys.exit(1)


def _call(function: Any, *arguments: Any) -> None:
    if function(*arguments) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


if __name__ == "__main__":
    main()
