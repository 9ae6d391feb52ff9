"""Prologues and epilogues of arm64 Windows as the documentation of packed unwind data lists them, as assembler text.

Source: the table under "Packed unwind data" of "ARM64 exception handling" in Microsoft's documentation of C++. The text
has a directive for each instruction, from which LLVM's assembler makes unwind data, packed where it can be.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from typing import NamedTuple

SAVED_LR, SIGNED = 1, 2
"""How the frame is linked: 0 is not at all, then ``lr`` saved, a frame record with a signed return address, and (3) one
with a plain one."""

_LARGEST_STEP, _LARGEST_SAVE = 4080, 512


class Form(NamedTuple):
    """``integers`` registers from x19 on and ``floats`` from d8 on are saved, the parameters too if ``homes``."""

    link: int
    integers: int
    floats: int
    homes: bool
    locals_size: int


def forms() -> list[Form]:
    """All forms that packed data has, each with one of four sizes of locals."""
    kinds = product(range(4), range(11), (0, *range(2, 9)), (False, True))
    sizes = ((0, 48, 608, 6000)[number // 5 % 4] for number in range(1 << 16))
    return [Form(*kind, size or 16 * (kind[0] >= SIGNED)) for kind, size in zip(kinds, sizes, strict=False)]


def packed(form: Form, size: int) -> int:
    """The packed unwind data of a function of ``size`` bytes that has this form."""
    saved = (8 * (form.integers + (form.link == SAVED_LR) + form.floats) + 64 * form.homes + 15) & -16
    floats, frame = max(form.floats - 1, 0), (saved + form.locals_size) // 16
    fields = floats << 13 | form.integers << 16 | form.homes << 20 | form.link << 21 | frame << 23
    return 1 | size // 4 << 2 | fields


class _Step(NamedTuple):
    """An instruction of a prologue, its directive, and what undoes it; nothing for one that needs no undoing."""

    text: str
    directive: str
    undo: str = ""


def assembler(forms: Sequence[Form]) -> str:
    """A source with one function for each form, ``f_0`` and so on; it makes a call if it has saved ``lr``."""
    lines = [line for number, form in enumerate(forms) for line in _function(f"f_{number}", form)]
    return "\n".join((".text", "work: ret", *lines)) + "\n"


def _function(name: str, form: Form) -> Iterator[str]:
    steps = [*_signing(form), *_saving(form), *_linking(form)]
    yield from (f".seh_proc {name}", f"{name}:")
    for step in steps:
        yield from (step.text, step.directive)
    yield from (".seh_endprologue", "bl work" if form.link else "nop", ".seh_startepilogue")
    for step in reversed(steps):
        if step.undo:
            yield from (step.undo, step.directive)
    yield from (".seh_endepilogue", "ret", ".seh_endproc")


def _signing(form: Form) -> list[_Step]:
    return [_Step("pacibsp", ".seh_pac_sign_lr", "autibsp")] if form.link == SIGNED else []


def _saving(form: Form) -> list[_Step]:
    """The saves. The first takes the room for all; ``stp x19, lr`` has no form that does."""
    has_lr = form.link == SAVED_LR
    pairs = [*_pairs("x", 19, form.integers, has_lr), *_pairs("d", 8, form.floats, False)]
    size = (8 * (form.integers + has_lr + form.floats) + 64 * form.homes + 15) & -16
    steps: list[_Step] = []
    if pairs and pairs[0] == ("x19", "lr"):
        steps, taken = [_taking(size)], True
    else:
        taken = False
    offset = 0
    for names in pairs:
        steps.append(_save(names, offset, 0 if taken else size))
        offset, taken = offset + 8 * len(names), True
    return steps + (_homing(offset, 0 if taken else size) if form.homes else [])


def _pairs(kind: str, first: int, count: int, has_lr: bool) -> list[tuple[str, ...]]:
    names = [f"{kind}{number}" for number in range(first, first + count)]
    pairs: list[tuple[str, ...]] = [tuple(names[index : index + 2]) for index in range(0, count, 2)]
    if has_lr and count % 2:
        return [*pairs[:-1], (*pairs[-1], "lr")]
    return [*pairs, ("lr",)] if has_lr else pairs


def _save(names: tuple[str, ...], offset: int, size: int) -> _Step:
    """A save at ``offset``, or one that takes ``size`` bytes first."""
    suffix = "p" if len(names) == 2 else "r"
    kind = "lrpair" if names[1:] == ("lr",) else ("freg" if names[0][0] == "d" else "reg") + suffix.replace("r", "")
    listed = ", ".join(names)
    first = names[0].replace("lr", "x30")
    if size:
        return _Step(
            f"st{suffix} {listed}, [sp, #-{size}]!", f".seh_save_{kind}_x {first}, {size}",
            f"ld{suffix} {listed}, [sp], #{size}",
        )  # fmt: skip
    where = f"[sp, #{offset}]"
    return _Step(
        f"st{suffix} {listed}, {where}", f".seh_save_{kind} {first}, {offset}", f"ld{suffix} {listed}, {where}"
    )


def _homing(offset: int, size: int) -> list[_Step]:
    """The parameters, which nothing loads again; the first save takes the room if there was none before it."""
    places = [f"[sp, #-{size}]!" if size and not pair else f"[sp, #{offset + 16 * pair}]" for pair in range(4)]
    steps = [_Step(f"stp x{2 * pair}, x{2 * pair + 1}, {place}", ".seh_nop") for pair, place in enumerate(places)]
    if size:
        steps[0] = _Step(steps[0].text, f".seh_stackalloc {size}", f"add sp, sp, #{size}")
    return steps


def _taking(size: int) -> _Step:
    return _Step(f"sub sp, sp, #{size}", f".seh_stackalloc {size}", f"add sp, sp, #{size}")


def _linking(form: Form) -> list[_Step]:
    """The room for locals, and the frame record at its bottom."""
    size, is_chained = form.locals_size, form.link >= SIGNED
    sets_frame = _Step("mov x29, sp", ".seh_set_fp")
    if is_chained and size <= _LARGEST_SAVE:
        save = _Step(f"stp x29, lr, [sp, #-{size}]!", f".seh_save_fplr_x {size}", f"ldp x29, lr, [sp], #{size}")
        return [save, sets_frame]
    steps = [_taking(step) for step in (min(size, _LARGEST_STEP), size - _LARGEST_STEP) if step > 0]
    if not is_chained:
        return steps
    return [*steps, _Step("stp x29, lr, [sp]", ".seh_save_fplr 0", "ldp x29, lr, [sp]"), sets_frame]
