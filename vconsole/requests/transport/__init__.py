"""HTTP/1.1 to one server, made for many requests at once; this is the module that hides how.

Measured against aiohttp and httpx in `tests/bench/client.py`: both cost several times the processor
time of a request on this.
"""

from __future__ import annotations

from vconsole.requests.transport.faults import Fault, TransportError
from vconsole.requests.transport.pool import Transport
from vconsole.requests.transport.reply import Response

__all__ = ["Fault", "Response", "Transport", "TransportError"]
