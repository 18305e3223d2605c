"""Asking NVML: an answer, None where a card does not support the question, or words for an error.

Error codes are those of nvml.h; what each means for a reading is decided here alone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pynvml

# One card cannot be read any more; the others can.
OF_THE_CARD = {
    pynvml.NVML_ERROR_GPU_IS_LOST: "lost: it has fallen off the bus",
    pynvml.NVML_ERROR_RESET_REQUIRED: "in need of a reset before it can be used again",
}
# Nothing can be read before NVML is opened anew.
OF_THE_DRIVER = {
    pynvml.NVML_ERROR_LIBRARY_NOT_FOUND: "no NVIDIA driver on this host",
    pynvml.NVML_ERROR_DRIVER_NOT_LOADED: "the NVIDIA driver is installed but not loaded",
    pynvml.NVML_ERROR_LIB_RM_VERSION_MISMATCH: (
        "the NVIDIA driver was updated: its library and the loaded module differ until a reboot"
    ),
    pynvml.NVML_ERROR_NO_PERMISSION: "the NVIDIA driver does not let this user see its cards",
    pynvml.NVML_ERROR_UNINITIALIZED: "the NVIDIA driver's library was closed",
}


def ask(call: Callable[..., Any], *arguments: Any) -> Any:
    """The answer of an NVML call, or None where the card or the driver does not support it.

    Only an error that concerns the whole card or the driver is raised.
    """
    try:
        return call(*arguments)
    except pynvml.NVMLError as error:
        if error.value in OF_THE_CARD or is_of_the_driver(error):
            raise
        return None


def ask_either(calls: tuple[Callable[..., Any], ...], *arguments: Any) -> Any:
    """The first answer of several names of one question: drivers of different ages know others."""
    return next(
        (answer for call in calls if (answer := ask(call, *arguments)) is not None),
        None,
    )


def is_of_the_driver(error: pynvml.NVMLError) -> bool:
    """Whether the error means the driver as a whole; a missing permission may mean one field."""
    return error.value in OF_THE_DRIVER and error.value != pynvml.NVML_ERROR_NO_PERMISSION


def words(error: pynvml.NVMLError) -> str:
    """What an error means for all cards, in words."""
    return OF_THE_DRIVER.get(error.value) or f"the NVIDIA driver says: {error}"
