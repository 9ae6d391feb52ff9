"""Lambda's way into every function: ``cairn.cold_start.handler`` is the ``handler`` of its ``handler.py``."""

from __future__ import annotations

import gc
from collections.abc import Callable
from importlib import import_module
from typing import Any

Handler = Callable[[dict[str, Any], Any], Any]


def start() -> Handler:
    """Import the function, and make the clients that each of them uses.

    Lambda starts a function with a whole processor, whatever its memory, and gives requests its share of one: 0.3 of
    512 MB. What every function needs is made before the first request, therefore. Nothing of it goes away again:
    looking for garbage among it meanwhile takes a sixth of the start, and later a pause now and then.
    """
    gc.disable()
    handler: Handler = import_module("handler").handler
    from cairn.store.aws import shared

    shared().make()
    gc.freeze()
    gc.enable()
    return handler


handler = start()
