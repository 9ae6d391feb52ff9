"""What a process says at its end, as JSON: ``{"result": …}``, or ``{"error": code, "message": …}``."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from cairn.symbols.errors import DEBUG_FILE_ERRORS, DebugFileError


def answer_of(work: Callable[[], Any]) -> str:
    """Do ``work`` and write down its result, which JSON can hold, or why there is none."""
    try:
        answer = {"result": work()}
    except DebugFileError as error:
        answer = {"error": error.code, "message": str(error)}
    except MemoryError:
        answer = {"error": "too_large", "message": "This file could not be read: it needs more memory than there is."}
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
