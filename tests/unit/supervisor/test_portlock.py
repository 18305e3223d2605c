"""The lock of a port: one holder, inherited by what is spawned, gone with the last of them."""

from __future__ import annotations

import asyncio
import subprocess

import pytest

from tests.support.home import free_port, wait_until
from vconsole.errors import ExitCode, VConsoleError
from vconsole.supervisor.processes.portlock import lock_port, until_free


def is_free(port: int) -> bool:
    try:
        lock_port(port).close()
    except VConsoleError:
        return False
    return True


def test_only_one_has_it() -> None:
    port = free_port()
    with lock_port(port):
        with pytest.raises(VConsoleError) as raised:
            lock_port(port)
        assert raised.value.exit_code is ExitCode.REFUSED
    assert is_free(port)


def test_a_child_that_inherits_it_holds_it() -> None:
    port = free_port()
    with lock_port(port) as lock:
        child = subprocess.Popen(["sleep", "60"], pass_fds=(lock.fileno(),))
    assert not is_free(port)
    child.kill()
    child.wait()
    wait_until("the lock is free", lambda: is_free(port), 5)


async def test_who_starts_again_waits_for_the_one_before_to_let_go() -> None:
    port = free_port()
    lock = lock_port(port)
    asyncio.get_running_loop().call_later(0.3, lock.close)
    await until_free(port)
    assert is_free(port)
