"""Packed unwind data of arm64 Windows programs: 30 bits that name one of a few usual prologues.

Source: the table under "Packed unwind data" of "ARM64 exception handling" in Microsoft's documentation of C++.
"""

from __future__ import annotations

from cairn.symbols.errors import MalformedDebugFileError
from cairn.symbols.unwind_data.pe_arm64_codes import Code, Sequence

_LARGEST_STEP = 4080
"""Bytes that one ``sub sp`` of such a prologue takes."""

_LARGEST_SAVE = 512
"""Bytes that the save of a frame record takes along."""

_LR, _CHAINED_SIGNED, _CHAINED = 1, 2, 3
"""How the frame is linked: ``lr`` saved; frame record, return address signed or not."""


def read_packed(data: int) -> tuple[Sequence, Sequence]:
    """Return the codes of prologue and epilogue that the second word of a function's entry stands for.

    Raises:
        MalformedDebugFileError: no prologue is like that.
    """
    floats, integers, homes, link, size = data >> 13 & 7, data >> 16 & 15, data >> 20 & 1, data >> 21 & 3, data >> 23
    floats = floats + 1 if floats else 0
    integer_size = 8 * integers + 8 * (link == _LR)
    saved = (integer_size + 8 * floats + 64 * homes + 15) & ~15
    locals_size = 16 * size - saved
    if locals_size < 0 or integers > 10:
        raise MalformedDebugFileError("Packed unwind data describes an impossible frame.")
    signs = [Code(special="pac_sign_lr")] if link == _CHAINED_SIGNED else []
    saves = _integers(integers, link == _LR) + _floats(floats, integer_size)
    homing = [Code()] * 4 if homes else []
    frame, sets_frame = _frame(locals_size, link >= _CHAINED_SIGNED)
    prologue = signs + _allocating(saves + homing, saved) + frame + sets_frame
    epilogue = signs + _allocating(saves + ([] if saves else homing[:1]), saved) + frame
    return Sequence(prologue[::-1], []), Sequence(epilogue[::-1], [])


def _integers(count: int, has_lr: bool) -> list[Code]:
    registers = [*range(19, 19 + count), *([30] if has_lr else [])]
    if has_lr and count % 2 == 0:
        # lr has an instruction of its own, and the pairs before it are whole.
        return [*_pairs(registers[:-1], 0), Code(0, (30,), 8 * count)]
    return _pairs(registers, 0)


def _pairs(registers: list[int], offset: int) -> list[Code]:
    return [Code(0, tuple(registers[index : index + 2]), offset + 8 * index) for index in range(0, len(registers), 2)]


def _floats(count: int, offset: int) -> list[Code]:
    return [Code(0, (), offset + 8 * index) for index in range(0, count, 2)]


def _allocating(saves: list[Code], size: int) -> list[Code]:
    """The first instruction takes the room for all; ``stp x19, lr`` has no form that does."""
    if not saves:
        return []
    if len(saves[0].registers) == 2 and saves[0].registers[1] == 30:
        return [Code(size), *saves]
    return [saves[0]._replace(size=size), *saves[1:]]


def _frame(size: int, is_chained: bool) -> tuple[list[Code], list[Code]]:
    """The instructions that take the room for locals and save the frame record; and the one that sets ``fp``, which no
    epilogue undoes."""
    if is_chained and size <= _LARGEST_SAVE:
        return [Code(size, (29, 30))], [Code(special="set_fp")]
    steps = [_LARGEST_STEP, size - _LARGEST_STEP] if size > _LARGEST_STEP else [size] if size else []
    allocations = [Code(step) for step in steps]
    if not is_chained:
        return allocations, []
    return [*allocations, Code(0, (29, 30))], [Code(special="set_fp")]
