"""Names that compilers, debug formats and optimisation levels spell differently."""

import pytest

from cairn.crash.grouping_name import grouping_name

LAMBDAS = [
    "game::play(game::Holder<Box>&)::{lambda(int)#1}::operator()(int) const",  # GCC, out of line
    "operator()",  # GCC, inlined
    "game::play(game::Holder<Box>&)::<lambda(int)>",
    "game::play::<lambda_1>::operator()",  # MSVC
    "<lambda_0a94bd2d9f6b5d3c7f0d2a63a1f0d9b2>::operator()",
    "main::$_0::operator()",  # Clang
    "game::play()::'lambda'(int)::operator()(int) const",
]


@pytest.mark.parametrize("name", LAMBDAS, ids=range(len(LAMBDAS)))
def test_a_lambda_has_no_number_and_no_scope(name: str) -> None:
    assert grouping_name(name) == "lambda"


@pytest.mark.parametrize(
    ("name", "compared"),
    [
        ("Widget::operator()", "Widget::operator()"),
        ("(anonymous namespace)::look", "look"),
        ("game::`anonymous namespace'::look", "game::look"),
        ("?A0x1f2e3d4c::look", "look"),
        ("label[abi:cxx11](int)", "label"),
        ("Basket<int>::total(int) const", "Basket<T>::total"),
        ("patrol(Lamp*) [clone .isra.0]", "patrol"),
        ("patrol.cold", "patrol"),
        ("_patrol@8", "patrol"),
        ("@patrol@8", "patrol"),
        ("app::main::{{closure}}", "app::main::{closure}"),
        ("app::main::{closure#2}", "app::main::{closure}"),
        ("app::patrol::h0123456789abcdef", "app::patrol"),
        ("call 0x7ffd1234", "0x"),
        ("main", "main"),
    ],
)
def test_what_varies_is_left_out(name: str, compared: str) -> None:
    assert grouping_name(name) == compared


@pytest.mark.parametrize("name", ["sub_140001230", "FUN_00401000", "<unknown>", "<redacted>", "??", "fn_7ffd12340000"])
def test_an_address_is_no_name(name: str) -> None:
    assert grouping_name(name) is None


@pytest.mark.parametrize("name", ["sub_total", "function_added", "loc_name"])
def test_words_are_names(name: str) -> None:
    assert grouping_name(name) == name
