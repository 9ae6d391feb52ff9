"""What a process says at its end, as JSON: ``{"result": …}``, or ``{"error": code, "message": …}``."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import Any

from cairn.symbols.errors import DEBUG_FILE_ERRORS, DebugFileError, DebugFileTooLargeError

LIMITS = "CAIRN_CHILD_LIMITS"
"""The variable with the seconds and bytes that a child may use."""

_REMEDY = "A deployment gives more with the setting `compile_memory_mb`; what is beyond that is to be split."


def answer_of(work: Callable[[], Any]) -> str:
    """Do ``work`` and write down its result, which JSON can hold, or why there is none."""
    try:
        answer = {"result": work()}
    except DebugFileError as error:
        answer = {"error": error.code, "message": str(error)}
    except MemoryError:
        refused = no_memory(int(os.environ.get(LIMITS, "0,0").split(",")[1]))
        answer = {"error": refused.code, "message": str(refused)}
    except OSError as error:
        answer = {"error": "os_error", "message": str(error)}
    return json.dumps(answer)


def result_in(text: str | bytes) -> Any:
    """Return the result in what ``answer_of`` wrote.

    Raises:
        DebugFileError: the one that ended the work.
        OSError: the same.
    """
    answer = json.loads(text)
    if "error" not in answer:
        return answer["result"]
    if answer["error"] == "os_error":
        raise OSError(answer["message"])
    raise DEBUG_FILE_ERRORS[answer["error"]](answer["message"])


def no_memory(memory: int) -> DebugFileTooLargeError:
    """Return the error for a file that takes more than ``memory`` bytes to compile; 0 where they are not known."""
    limit = f"the {memory >> 20} MB of memory that there are" if memory else "there is memory"
    return too_large(f"needs more than {limit}")


def too_large(what: str) -> DebugFileTooLargeError:
    """Return the error for a file whose compiling does ``what``."""
    return DebugFileTooLargeError(f"This file could not be read: compiling it {what}. {_REMEDY}")
