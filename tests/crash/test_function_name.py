from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cairn.crash.function_name import MAX_LENGTH, trim


@pytest.mark.parametrize(
    ("name", "trimmed"),
    [
        ("main", "main"),
        ("coast::patrol(std::vector<Lighthouse, std::allocator<Lighthouse> >&, int)", "coast::patrol"),
        ("void coast::keep_watch<main::{lambda()#1}>(main::{lambda()#1})", "coast::keep_watch<T>"),
        ("std::vector<int, std::allocator<int> >::at(unsigned long) const", "std::vector<T>::at"),
        ("(anonymous namespace)::run(int)", "(anonymous namespace)::run"),
        ("foo(int)::(anonymous namespace)", "foo(int)::(anonymous namespace)"),
        ("Widget::operator()(int) const", "Widget::operator()"),
        ("bool operator< <int>(A<int> const&, A<int> const&)", "operator<<T>"),
        ("std::ostream& operator<<(std::ostream&, X)", "operator<<"),
        ("A::operator->()", "A::operator->"),
        ("main::{lambda(int)#1}::operator()(int) const", "main::{lambda(int)#1}::operator()"),
        ("<alloc::vec::Vec<T> as core::ops::Drop>::drop", "<alloc::vec::Vec<T> as core::ops::Drop>::drop"),
        ("app::work::h0123456789abcdef", "app::work"),
        ("work(int) [clone .constprop.0]", "work"),
        ("work.cold", "work"),
        ("work.isra.0", "work"),
        ("memcpy@@GLIBC_2.14", "memcpy"),
        ("-[NSView drawRect:]", "-[NSView drawRect:]"),
        ("`anonymous namespace'::Lamp Widget::operator()(int)", "Widget::operator()"),
        ("", ""),
        ("(", "("),
        ("<unknown>", "<unknown>"),
        ("`anonymous namespace'::run", "`anonymous namespace'::run"),
    ],
)
def test_a_name_is_cut_down_to_what_is_read(name: str, trimmed: str) -> None:
    assert trim(name) == trimmed


@given(st.text(alphabet="ab:<>(){}[]&*~ `',-=0operator", max_size=400))
def test_any_text_gives_a_name(text: str) -> None:
    assert len(trim(text)) <= MAX_LENGTH
    assert bool(trim(text)) == bool(text)


@given(st.text(max_size=20))
def test_an_argument_list_never_changes_the_name(argument: str) -> None:
    inside = "".join(c for c in argument if c not in "()<>[]{}\0")
    assert trim(f"ns::work({inside})") == "ns::work"
