"""Runs a program under the system call filter and the address families of a unit: confine.py UNIT PROGRAM ARGUMENT…

The sets of system calls are those of this host's systemd; whatever they do not allow kills the process, as there.
"""

import ctypes
import os
import re
import socket
import subprocess
import sys

KILL_PROCESS, ALLOW, ERRNO = 0x80000000, 0x7FFF0000, 0x00050000  # seccomp.h
EAFNOSUPPORT, COMPARE_EQUAL = 97, 4
FAMILIES = 46  # AF_MAX (linux/socket.h)


class Comparison(ctypes.Structure):
    _fields_ = [("arg", ctypes.c_uint), ("op", ctypes.c_int), ("a", ctypes.c_uint64), ("b", ctypes.c_uint64)]


def values(unit, key):
    with open(unit, encoding="utf-8") as lines:
        return [line.split("=", 1)[1].strip() for line in lines if line.startswith(key + "=")]


def calls_of(name, seen):
    """The calls of a set, and of the sets in it."""
    if not name.startswith("@"):
        return {name}
    if name in seen:
        return set()
    seen.add(name)
    text = subprocess.run(["systemd-analyze", "syscall-filter", name], check=True, capture_output=True, text=True)
    members = [line.strip() for line in text.stdout.splitlines()[1:]]
    members = [member for member in members if re.fullmatch(r"@?[a-z0-9_-]+", member)]
    return set().union(*(calls_of(member, seen) for member in members))


def allowed_calls(unit):
    allowed = set()
    for line in values(unit, "SystemCallFilter"):
        calls = set().union(*(calls_of(name, set()) for name in line.lstrip("~").split()))
        allowed = allowed - calls if line.startswith("~") else allowed | calls
    assert "read" in allowed, "systemd-analyze has no sets"
    return allowed


def confine(unit):
    seccomp = ctypes.CDLL("libseccomp.so.2")
    seccomp.seccomp_init.restype = ctypes.c_void_p
    filter_ = ctypes.c_void_p(seccomp.seccomp_init(ctypes.c_uint32(KILL_PROCESS)))
    assert filter_
    families = {getattr(socket, name) for line in values(unit, "RestrictAddressFamilies") for name in line.split()}
    number_of_socket = seccomp.seccomp_syscall_resolve_name(b"socket")
    for name in allowed_calls(unit) - {"socket"}:
        number = seccomp.seccomp_syscall_resolve_name(name.encode())
        if number >= 0:
            assert seccomp.seccomp_rule_add(filter_, ctypes.c_uint32(ALLOW), number, 0) == 0, name
    for family in range(FAMILIES):
        action = ALLOW if family in families else ERRNO | EAFNOSUPPORT
        one = Comparison(0, COMPARE_EQUAL, family, 0)
        added = seccomp.seccomp_rule_add_array(
            filter_, ctypes.c_uint32(action), number_of_socket, 1, ctypes.byref(one)
        )
        assert added == 0, family
    assert seccomp.seccomp_load(filter_) == 0


if __name__ == "__main__":
    confine(sys.argv[1])
    os.execv(sys.argv[2], sys.argv[2:])
