"""A filter of system calls: the Linux kernel refuses them to this process and what it starts.

It holds for compiled code, needs no rights, and stops what Landlock does not know: modes and owners of
files, datagrams and Unix sockets, and the settings of other processes. The program is that of
https://docs.kernel.org/userspace-api/seccomp_filter.html, for the two machines that torch is built for.
"""

import ctypes
import errno
import os
import platform
import sys
from collections.abc import Iterator

NO_NEW_PRIVILEGES = 38
SET_FILTER, ALL_THREADS = 1, 1
ALLOW, REFUSE = 0x7FFF0000, 0x00050000 | errno.EPERM
LOAD, EQUAL, AT_LEAST, RETURN = 0x20, 0x15, 0x35, 0x06
NUMBER, MACHINE, ARGUMENTS = 0, 4, 16  # offsets in what the kernel shows the filter
OTHER_INTERFACE = 0x40000000  # x32, where the same calls have other numbers

MACHINES = {"x86_64": (0xC000003E, 317), "aarch64": (0xC00000B7, 277)}
"""How the kernel calls a machine, and the number of its seccomp call."""

CALLS = """
chmod 90 -           fchmod 91 52         fchmodat 268 53      fchmodat2 452 452
chown 92 -           fchown 93 55         lchown 94 -          fchownat 260 54
utime 132 -          utimes 235 -         futimesat 261 -      utimensat 280 88
setxattr 188 5       lsetxattr 189 6      fsetxattr 190 7      setxattrat 463 463
removexattr 197 14   lremovexattr 198 15  fremovexattr 199 16  removexattrat 466 466
connect 42 203       sendmsg 46 211       sendmmsg 307 269     file_setattr 469 469
shmget 29 194        shmat 30 196         shmctl 31 195        semget 64 190
semop 65 193         semctl 66 191        semtimedop 220 192   msgget 68 186
msgsnd 69 189        msgrcv 70 188        msgctl 71 187        mq_open 240 180
mq_unlink 241 181    add_key 248 217      request_key 249 218  keyctl 250 219
ptrace 101 117       process_vm_readv 310 270   process_vm_writev 311 271   kcmp 312 272
pidfd_send_signal 424 424   pidfd_getfd 438 438   process_madvise 440 440   setpriority 141 140
sched_setscheduler 144 119  sched_setparam 142 118  sched_setattr 314 274   ioprio_set 251 30
migrate_pages 256 238       move_pages 279 239    io_uring_setup 425 425    userfaultfd 323 282
mount 165 40         umount2 166 39       pivot_root 155 41    chroot 161 51
open_tree 428 428    move_mount 429 429   fsopen 430 430       mount_setattr 442 442
unshare 272 97       setns 308 268        swapon 167 224       swapoff 168 225
reboot 169 142       sethostname 170 161  setdomainname 171 162  settimeofday 164 170
adjtimex 159 171     clock_settime 227 112  clock_adjtime 305 266  acct 163 89
init_module 175 105  finit_module 313 273 delete_module 176 106  kexec_load 246 104
kexec_file_load 320 294  bpf 321 280      perf_event_open 298 241  fanotify_init 300 262
quotactl 179 60      open_by_handle_at 304 265  syslog 103 116  vhangup 153 58
"""
"""What is refused, with its numbers on both machines."""

ABOUT_OTHERS = """
prlimit64 302 261    sched_setaffinity 203 122
"""
"""What is refused unless it is about the process itself: 0 or its number comes first."""

SENDTO, SOCKET, IOCTL = ("sendto", 44, 206), ("socket", 41, 198), ("ioctl", 16, 29)
FAMILIES = (1, 2, 10)  # Unix and both kinds of IP: connecting is refused anyhow
TERMINAL_INPUT, TERMINAL, FILE_FLAGS = 0x5412, 0x541C, 0x40086602

Instruction = tuple[int, int, int, int]


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_void_p))


class _Instruction(ctypes.Structure):
    _fields_ = (
        ("code", ctypes.c_ushort),
        ("when_true", ctypes.c_ubyte),
        ("when_false", ctypes.c_ubyte),
        ("value", ctypes.c_uint32),
    )


def restrict() -> tuple[str, ...]:
    """Restrict this process for ever; returns what compiled code may still do without it."""
    if _restricted():
        return ()
    return (
        "compiled code can change modes, owners and times of files, send datagrams, connect to Unix"
        " sockets and change limits and priorities of other processes (no seccomp filter here)",
    )


def numbers(table: str, machine: str) -> Iterator[tuple[str, int]]:
    """Yield the names of a table with their numbers on a machine."""
    words = table.split()
    for name, x86, arm in zip(words[::3], words[1::3], words[2::3], strict=True):
        number = x86 if machine == "x86_64" else arm
        if number != "-":
            yield name, int(number)


def program(machine: str, process: int) -> list[Instruction]:
    """The filter: refuse what the tables name, allow the rest."""
    architecture, _ = MACHINES[machine]
    made: list[Instruction] = [
        (LOAD, 0, 0, MACHINE),
        (EQUAL, 1, 0, architecture),
        (RETURN, 0, 0, REFUSE),
        (LOAD, 0, 0, NUMBER),
        (AT_LEAST, 0, 1, OTHER_INTERFACE),
        (RETURN, 0, 0, REFUSE),
    ]
    for _, number in numbers(CALLS, machine):
        made += [(EQUAL, 0, 1, number), (RETURN, 0, 0, REFUSE)]
    for _, number in numbers(ABOUT_OTHERS, machine):
        made += _when(number, machine, _only(0, (0, process)))
    made += _when(_number(SENDTO, machine), machine, [*_only(4, (0,)), *_only(4, (0,), high=True)])
    made += _when(_number(SOCKET, machine), machine, _only(0, FAMILIES))
    made += _when(
        _number(IOCTL, machine), machine, _never(1, (TERMINAL_INPUT, TERMINAL, FILE_FLAGS))
    )
    return [*made, (RETURN, 0, 0, ALLOW)]


def _number(call: tuple[str, int, int], machine: str) -> int:
    return call[1] if machine == "x86_64" else call[2]


def _when(number: int, machine: str, checks: list[Instruction]) -> list[Instruction]:
    """Check the arguments of one call; what passes is allowed."""
    body = [*checks, (RETURN, 0, 0, ALLOW)]
    return [(EQUAL, 0, len(body), number), *body]


def _only(argument: int, values: tuple[int, ...], *, high: bool = False) -> list[Instruction]:
    """Refuse unless a half of an argument is one of the values."""
    load = (LOAD, 0, 0, ARGUMENTS + 8 * argument + 4 * high)
    tests = [(EQUAL, len(values) - place, 0, value) for place, value in enumerate(values)]
    return [load, *tests, (RETURN, 0, 0, REFUSE)]


def _never(argument: int, values: tuple[int, ...]) -> list[Instruction]:
    """Refuse where an argument is one of the values."""
    made: list[Instruction] = [(LOAD, 0, 0, ARGUMENTS + 8 * argument)]
    for value in values:
        made += [(EQUAL, 0, 1, value), (RETURN, 0, 0, REFUSE)]
    return made


def _restricted() -> bool:
    machine = platform.machine()
    known = machine in MACHINES and sys.maxsize > 1 << 32 and sys.byteorder == "little"
    if not known or not sys.platform.startswith("linux"):
        return False
    made = program(machine, os.getpid())
    instructions = (_Instruction * len(made))(*(_Instruction(*each) for each in made))
    wanted = _Program(len(made), ctypes.cast(instructions, ctypes.c_void_p))
    libc = ctypes.CDLL(None)
    if libc.prctl(NO_NEW_PRIVILEGES, *map(ctypes.c_ulong, (1, 0, 0, 0))) != 0:
        return False
    call = libc.syscall
    call.restype = ctypes.c_long
    number = ctypes.c_long(MACHINES[machine][1])
    return int(call(number, SET_FILTER, ALL_THREADS, ctypes.byref(wanted))) == 0
