"""The filter of system calls holds no call that reaches another process, a network, or a file's content to write."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from harness.evaluations.programs.locked_down import _MACHINES

HEADERS = {
    "x86_64": "/usr/include/x86_64-linux-gnu/asm/unistd_64.h",
    "aarch64": "/usr/include/asm-generic/unistd.h",
}
FORBIDDEN = {
    *("socket", "connect", "bind", "sendto", "sendmsg", "socketpair", "clone", "clone3", "fork", "vfork", "execve"),
    *("execveat", "kill", "tkill", "tgkill", "ptrace", "process_vm_writev", "pidfd_open", "pidfd_send_signal", "open"),
    *(
        "creat",
        "openat2",
        "truncate",
        "ftruncate",
        "unlink",
        "unlinkat",
        "rename",
        "mkdir",
        "mkdirat",
        "link",
        "symlink",
    ),
    *("prlimit64", "setrlimit", "ioctl", "fcntl", "mount", "unshare", "setns", "bpf", "io_uring_setup", "memfd_create"),
    *("shmget", "mq_open", "keyctl", "prctl", "seccomp", "setsid", "chmod", "chown", "utimensat", "userfaultfd"),
}


@pytest.mark.parametrize("machine", sorted(HEADERS))
def test_only_calls_that_stay_in_the_process_are_let_through(machine: str) -> None:
    header = Path(HEADERS[machine])
    if not header.is_file():
        pytest.skip(f"no {header}: the kernel's headers (linux-libc-dev) are not installed")
    text = header.read_text("utf-8")
    numbers = {name: int(number) for name, number in re.findall(r"define __NR(?:3264)?_(\w+)\s+(\d+)", text)}
    _, open_file, allowed = _MACHINES[machine]
    assert numbers["openat"] == open_file
    assert open_file not in allowed
    by_number = {number: name for name, number in numbers.items()}
    assert {by_number[number] for number in allowed} & FORBIDDEN == set()
    needed = {"read", "write", "close", "exit_group", "brk", "munmap", "futex", "getrandom", "getdents64", "mprotect"}
    assert needed <= {by_number[number] for number in allowed}
