"""A vLLM server that has imported everything and waits to be told what to serve.

Run by the engine's own Python, as the leader of a session of its own, with the number of a socket.
It says `ready` there (or why not), waits for one message with the command line, the environment,
the folder and two descriptors (the log, the lock of the port), and becomes that server. The end of
the socket is its own end. Nothing of CUDA is initialised before.
"""

import array
import json
import multiprocessing.context
import os
import socket
import sys
import threading

# What `vllm serve` imports, in this process and in the engine's.
MODULES = (
    "vllm.entrypoints.cli.main",
    "vllm.entrypoints.cli.serve",
    "vllm.entrypoints.launchers.api_server.entry",
    "vllm.entrypoints.openai.api_server",
    "vllm.v1.engine.core",
    "vllm.v1.engine.async_llm",
    "vllm.v1.executor.multiproc_executor",
    "vllm.v1.worker.gpu_worker",
)
CPU_MODULES = ("vllm.v1.worker.cpu_worker",)
LARGEST_MESSAGE_BYTES = 1 << 20


def import_all():
    """Import what a server needs; what this version does not have is left out."""
    import importlib

    from vllm.platforms import current_platform

    wanted = CPU_MODULES if current_platform.is_cpu() else ()
    for name in (*MODULES, *wanted):
        try:
            importlib.import_module(name)
        except ImportError as error:
            if name == MODULES[0]:
                raise
            print(f"standby: left out {name}: {error}", flush=True)


def what_is_odd():
    """Why this process must not become a server, or None."""
    import torch

    if torch.cuda.is_initialized():
        return "CUDA is initialised already"
    if threading.active_count() > 1:
        return f"{threading.active_count()} threads run already"
    return None


class Forked(multiprocessing.context.ForkProcess):
    """A child with as many threads as its environment says: the library read that too early."""

    def run(self):
        import torch

        torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
        super().run()


class ForkWithThreads(multiprocessing.context.ForkContext):
    Process = Forked


def children_are_forked():
    """Have the engine's processes forked on a CPU, where vLLM would import all of it again.

    Elsewhere that is vLLM's to say: `vllm serve` spawns them unless VLLM_WORKER_MULTIPROC_METHOD
    is `fork`, and then forks as long as CUDA is not initialised.
    """
    from vllm.platforms import current_platform

    if not current_platform.is_cpu():
        return
    forked = ForkWithThreads()
    for module in list(sys.modules.values()):
        if getattr(module, "__name__", "").startswith("vllm") and hasattr(module, "get_mp_context"):
            module.get_mp_context = lambda: forked


def entitle(title=None):
    """Show `title` as the command line; without one, learn where that is.

    It is found beside the environment, so it has to be looked for before that is changed.
    """
    try:
        import setproctitle
    except ImportError:
        return
    setproctitle.setproctitle(title or setproctitle.getproctitle())


def receive(channel):
    """The message and its descriptors; None where the other end is gone."""
    descriptors = array.array("i")
    message, ancillary, _, _ = channel.recvmsg(
        LARGEST_MESSAGE_BYTES, socket.CMSG_SPACE(2 * descriptors.itemsize)
    )
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            descriptors.frombytes(data[: len(data) - len(data) % descriptors.itemsize])
    return (json.loads(message), list(descriptors)) if message else None


def become(order, descriptors):
    """Turn into the server of `order`: its output, its folder, its environment, its command."""
    log, lock = descriptors
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.close(log)
    # Whoever holds it serves on the port; a forked engine holds it as long as it lives.
    os.set_inheritable(lock, True)
    os.chdir(order["folder"])
    for name, value in order["environment"].items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
    sys.argv = order["command"]
    entitle(" ".join(["vllm", *order["command"][1:]]))


def main():
    channel = socket.socket(fileno=int(sys.argv[1]))
    channel.set_inheritable(False)
    entitle()
    import_all()
    odd = what_is_odd()
    channel.send(json.dumps({"ready": odd is None, "odd": odd}).encode())
    received = receive(channel) if odd is None else None
    channel.close()
    if received is None:
        return 0
    become(*received)
    children_are_forked()
    from vllm.entrypoints.cli.main import main as serve

    return serve()


if __name__ == "__main__":
    sys.exit(main())
