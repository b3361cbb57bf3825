"""Takes from this process, for good, what a program that nobody read must not have. Linux alone can.

A filter of system calls (seccomp) lets through only what Python needs to compute and to read its library: no socket,
no new process or thread, no signal, no file opened to write, no other program. Landlock shows it no file but those of
the interpreter's own library. Limits hold its processor time and memory. Nothing here needs a privilege, and nothing
can be taken back. The file imports the standard library alone, for it runs inside the locked-down processes.
"""

from __future__ import annotations

import ctypes
import os
import platform
import signal

_X86_64 = {
    *(0, 1, 3, 4, 5, 6, 8),  # read write close stat fstat lstat lseek
    *(9, 10, 11, 12, 25, 28),  # mmap mprotect munmap brk mremap madvise
    *(13, 14, 15, 131, 219),  # rt_sigaction rt_sigprocmask rt_sigreturn sigaltstack restart_syscall
    *(17, 21, 79, 89, 217, 262, 267, 269, 332),  # pread64 access getcwd readlink getdents64 newfstatat … statx
    *(24, 35, 96, 201, 228, 229, 230),  # sched_yield nanosleep gettimeofday time clock_*
    *(39, 102, 104, 107, 108, 186),  # getpid getuid getgid geteuid getegid gettid
    *(60, 202, 231, 318),  # exit futex exit_group getrandom
}
_AARCH64 = {
    *(57, 62, 63, 64, 80),  # close lseek read write fstat
    *(214, 215, 216, 222, 226, 233),  # brk munmap mremap mmap mprotect madvise
    *(128, 132, 134, 135, 139),  # restart_syscall sigaltstack rt_sigaction rt_sigprocmask rt_sigreturn
    *(17, 48, 61, 67, 78, 79, 291),  # getcwd faccessat getdents64 pread64 readlinkat newfstatat statx
    *(101, 113, 114, 115, 124, 169),  # nanosleep clock_* sched_yield gettimeofday
    *(172, 174, 175, 176, 177, 178),  # getpid getuid geteuid getgid getegid gettid
    *(93, 94, 98, 278),  # exit exit_group futex getrandom
}
_MACHINES = {"x86_64": (0xC000003E, 257, _X86_64), "aarch64": (0xC00000B7, 56, _AARCH64)}
"""Machine → its number in seccomp, that of the call openat, and those of the calls that are let through."""

_NO_NEW_PRIVILEGES, _DUMPABLE, _PARENT_DEATH, _SECCOMP, _FILTER = 38, 4, 1, 22, 2
_KILL, _REFUSE, _ALLOW = 0x80000000, 0x00050001, 0x7FFF0000
"""What a filter answers: end the process, fail with EPERM, let through."""
_LOAD, _EQUAL, _ANY_BIT, _RETURN = 0x20, 0x15, 0x45, 0x06

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_FILE_RIGHTS = ((1, 13), (2, 14), (3, 15), (5, 16))
"""(version of Landlock, number of its rights on files)."""
_READ_FILE_OR_FOLDER = 0b1100
_OPEN_FILES = 64


class NotEnforcedError(Exception):
    """The system does not enforce something; the sentence says what."""


class _Instruction(ctypes.Structure):
    _fields_ = (("code", ctypes.c_uint16), ("jt", ctypes.c_uint8), ("jf", ctypes.c_uint8), ("k", ctypes.c_uint32))


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_uint16), ("filter", ctypes.POINTER(_Instruction)))


class _Beneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32))


def lock_down(seconds: int, memory: int, readable: list[str]) -> None:
    """Locks this process down.

    Args:
        seconds: of processor time, after which the kernel ends it.
        memory: bytes of address space.
        readable: folders whose files it may still read.

    Raises:
        NotEnforcedError: when the system does not do one of it.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    _call(libc.prctl, "the end with its parent", _PARENT_DEATH, signal.SIGKILL, 0, 0, 0)
    _call(libc.prctl, "no new privileges", _NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    _call(libc.prctl, "no dump of its memory", _DUMPABLE, 0, 0, 0, 0)
    _limit(seconds, memory)
    _hide_files(libc, readable)
    _filter_calls(libc)


def _limit(seconds: int, memory: int) -> None:
    import resource  # no part of Python on Windows, which only refuses

    limits = {
        "RLIMIT_CPU": seconds,
        "RLIMIT_AS": memory,
        "RLIMIT_FSIZE": 0,
        "RLIMIT_CORE": 0,
        "RLIMIT_NOFILE": _OPEN_FILES,
    }
    for name, value in limits.items():
        number = getattr(resource, name)
        hard = resource.getrlimit(number)[1]
        least = value if hard == resource.RLIM_INFINITY else min(value, hard)
        try:
            resource.setrlimit(number, (least, least))
        except (OSError, ValueError) as error:
            raise NotEnforcedError(f"a limit on resources ({name}: {error})") from error


def _hide_files(libc: ctypes.CDLL, readable: list[str]) -> None:
    version = libc.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), 1)
    if version < 1:
        raise NotEnforcedError(f"hidden files (the kernel has no Landlock: {os.strerror(ctypes.get_errno())})")
    rights = max(number for least, number in _FILE_RIGHTS if least <= version)
    handled = ctypes.c_uint64((1 << rights) - 1)
    what = "hidden files (Landlock)"
    rules = _call(libc.syscall, what, _CREATE_RULESET, ctypes.byref(handled), ctypes.c_size_t(8), 0)
    for folder in readable:
        handle = os.open(folder, os.O_PATH | os.O_CLOEXEC)
        _call(libc.syscall, what, _ADD_RULE, rules, 1, ctypes.byref(_Beneath(_READ_FILE_OR_FOLDER, handle)), 0)
        os.close(handle)
    _call(libc.syscall, what, _RESTRICT_SELF, rules, 0)
    os.close(rules)


def _filter_calls(libc: ctypes.CDLL) -> None:
    machine = platform.machine()
    if machine not in _MACHINES:
        raise NotEnforcedError(f"a filter of system calls (the machine {machine!r} is not known)")
    number, open_file, allowed = _MACHINES[machine]
    # The bit of O_TMPFILE that is its own; with none of these bits an opened file cannot be written.
    writes = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | (os.O_TMPFILE & ~os.O_DIRECTORY)
    steps = [
        *((_LOAD, 0, 0, 4), (_EQUAL, 1, 0, number), (_RETURN, 0, 0, _KILL)),
        *((_LOAD, 0, 0, 0), (_EQUAL, 0, 4, open_file)),
        *((_LOAD, 0, 0, 32), (_ANY_BIT, 0, 1, writes), (_RETURN, 0, 0, _REFUSE), (_RETURN, 0, 0, _ALLOW)),
    ]
    for call in sorted(allowed):
        steps += [(_EQUAL, 0, 1, call), (_RETURN, 0, 0, _ALLOW)]
    steps.append((_RETURN, 0, 0, _REFUSE))
    instructions = (_Instruction * len(steps))(*(_Instruction(*step) for step in steps))
    program = _Program(len(steps), instructions)
    _call(libc.prctl, "a filter of system calls (seccomp)", _SECCOMP, _FILTER, ctypes.byref(program), 0, 0)


def _call(function: object, what: str, *arguments: object) -> int:
    result: int = function(*arguments)  # type: ignore[operator]
    if result < 0:
        raise NotEnforcedError(f"{what}: {os.strerror(ctypes.get_errno())}")
    return result
