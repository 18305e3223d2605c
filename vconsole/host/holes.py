"""Giving the disk space of a file's oldest bytes back while somebody goes on writing to its end."""

from __future__ import annotations

import ctypes
import errno
import os

# linux/falloc.h
KEEP_SIZE = 0x01
PUNCH_HOLE = 0x02
# What kernels answer where the file system has no such operation.
UNSUPPORTED = frozenset({errno.EOPNOTSUPP, errno.ENOSYS})

_libc = ctypes.CDLL(None, use_errno=True)
_libc.fallocate.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64]


class HolesUnsupportedError(OSError):
    """The file system cannot free a part of a file."""


def punch(descriptor: int, begin_bytes: int, length_bytes: int) -> None:
    """Make exactly these bytes zeros that take no space; size and every offset stay.

    Beyond the end of the file it changes nothing, which makes it a test of the file system.
    Raises `HolesUnsupportedError`, or OSError for anything else.
    """
    while _libc.fallocate(descriptor, PUNCH_HOLE | KEEP_SIZE, begin_bytes, length_bytes) != 0:
        number = ctypes.get_errno()
        if number in UNSUPPORTED:
            raise HolesUnsupportedError(number, os.strerror(number))
        if number != errno.EINTR:
            raise OSError(number, os.strerror(number))
