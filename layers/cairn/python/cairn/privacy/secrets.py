"""Secrets and personal data in text: where they are.

Each rule is one expression that takes time in proportion to the text, whatever the text is: repetitions are bounded or
cannot overlap with what follows, and no rule begins twice in one run of its characters
(``tests/privacy/test_secrets.py::test_hostile_text_takes_no_longer``).
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

MARKERS = {"email": "[email]", "ip": "[ip]", "creditcard": "[creditcard]", "userpath": "[user]"}
"""What stands in the place of a finding, by rule; ``[Filtered]`` for all others. The words are Sentry's."""
FILTERED = "[Filtered]"


@dataclass(frozen=True, slots=True)
class Finding:
    """Text from ``start`` to before ``end`` is private, by ``rule``."""

    rule: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Rule:
    """The last group of ``expression``, or all of it, is private where ``is_so`` agrees. Text without any of ``hints``
    is not searched."""

    name: str
    expression: re.Pattern[str]
    hints: tuple[str, ...] = ()
    is_so: Callable[[str], bool] | None = None

    def is_hinted(self, lowered: str) -> bool:
        """Whether there may be something to find. A loop takes half the time of ``any``, and most text ends here."""
        for hint in self.hints:
            if hint in lowered:
                return True
        return not self.hints

    def findings(self, text: str, lowered: str) -> Iterator[Finding]:
        """What the rule finds in ``text``; ``lowered`` is the same in lower case."""
        if not self.is_hinted(lowered):
            return
        for match in self.expression.finditer(text):
            group = match.lastindex or 0
            if self.is_so is None or self.is_so(match[group]):
                yield Finding(self.name, match.start(group), match.end(group))


def is_card(text: str) -> bool:
    """Whether digits are a number that a bank gives: its first digits, its length and its check digit (Luhn)."""
    digits = [int(character) for character in text if character.isdigit()]
    doubled = (sum(divmod(2 * digit, 10)) for digit in digits[-2::-2])
    return bool(_ISSUERS.fullmatch("".join(map(str, digits)))) and (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def is_address(text: str) -> bool:
    """Whether text is an IP address that may belong to somebody. ``add::face`` is a name of C++."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    told = address.version == 4 or any(character.isdigit() for character in text)
    return told and not (address.is_loopback or address.is_unspecified)


_ISSUERS = re.compile(
    r"4\d{12}(\d{3}){0,2}|5[1-5]\d{14}|2[2-7]\d{14}|3[47]\d{13}|3(0[0-5]|[68]\d)\d{11}|35\d{14}|6(011|5\d\d)\d{12}"
)
_KEPT_USERS = r"(?!(?:public|shared|default|all users)[/\\\s]|\[user\])"
_NO_VERSION = r"(?<![\w.])(?<![a-z]/)(?<!version )(?<!version: )"
"""``Chrome/120.0.0.0`` is no address."""
_ASSIGNED = (
    r"\bpass|pwd|passwd|password|passphrase|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|session[_-]?id"
)

RULES = (
    Rule(
        "privatekey",
        re.compile(
            r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY-----(?:[A-Za-z0-9+/=:,\s\\]|-(?!-)){0,16000}"
            r"(?:-----END [A-Z0-9 ]{0,60}-----)?"
        ),
        ("private key-----",),
    ),
    Rule("urlauth", re.compile(r"://([^\s/@:]{0,100}:[^\s/@]{1,200})@"), ("://",)),
    Rule(
        "token",
        re.compile(
            r"(?<![\w-])(?:(?:AKIA|ASIA|AIDA|AROA|ANPA)[A-Z0-9]{16}(?![A-Za-z0-9])"
            r"|gh[pousr]_[A-Za-z0-9]{20,255}|github_pat_\w{20,255}|glpat-[\w-]{20,64}|npm_[A-Za-z0-9]{30,64}"
            r"|[spr]k_(?:live|test)_\w{10,255}|xox[abeprs]-[\w-]{10,255}|AIza[\w-]{35}|sntry[su]_[\w=+/-]{20,1000}"
            r"|eyJ[\w-]{10,4000}\.[\w-]{10,4000}\.[\w-]{0,1000})"
        ),
        (
            *("akia", "asia", "aida", "aroa", "anpa", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-"),
            *("npm_", "k_live_", "k_test_", "xox", "aiza", "sntrys_", "sntryu_", "eyj"),
        ),
    ),
    Rule("bearer", re.compile(r"\bbearer\s{1,4}([A-Za-z0-9._~+/-]{16,4000}=*)", re.I), ("bearer",)),
    Rule(
        "password",
        re.compile(
            rf"(?:{_ASSIGNED})[\"']?\s{{0,2}}=\s{{0,2}}[\"']?([^\s\"'&;,]{{1,1000}})"
            rf"|(?:passwd|password|passphrase|secret|api[_-]?key)[\"']?:\s{{0,2}}[\"']?([^\s\"'&;,]{{1,1000}})"
            rf"|(?:authorization|cookie)[\"']?\s{{0,2}}[:=]\s{{0,2}}([^\"'\r\n]{{1,4000}})",
            re.I,
        ),
        ("=", ":"),
    ),
    Rule(
        "email",
        re.compile(
            r"(?<![\w.+%-])[\w.+%-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){0,8}\.[A-Za-z]{2,24}(?![\w-])"
        ),
        ("@",),
    ),
    Rule("creditcard", re.compile(r"(?<![\w.-])\d(?:[ -]?\d){12,18}(?![\w-])"), is_so=is_card),
    Rule("ip", re.compile(rf"{_NO_VERSION}(?:\d{{1,3}}\.){{3}}\d{{1,3}}(?!\w|\.\d)", re.I), (".",), is_address),
    Rule(
        "ip",
        re.compile(r"(?<![\w:.])(?:[0-9A-Fa-f]{0,4}:){2,7}(?:(?:\d{1,3}\.){3}\d{1,3}|[0-9A-Fa-f]{0,4})(?![\w:]|\.\d)"),
        (":",),
        is_address,
    ),
    Rule(
        "userpath",
        re.compile(rf"(?<!\w)/home/{_KEPT_USERS}([^/\\\s\"'<>|:;,?)]{{1,64}})", re.I),
        ("/home/",),
    ),
    Rule(
        "userpath",
        re.compile(rf"(?:(?<!\w)|(?<=/mnt/[a-z]))/users/{_KEPT_USERS}([^/\\\s\"'<>|:;,?)]{{1,64}})", re.I),
        ("/users/",),
    ),
    Rule(
        "userpath",
        re.compile(
            rf"(?:\b[a-z]:[\\/]{{1,2}}|\\)(?:users|documents and settings)[\\/]{{1,2}}{_KEPT_USERS}"
            r"((?:[^/\\\"'<>|:;?\r\n\t]{1,64})(?=[\\/])|[^/\\\s\"'<>|:;,?)]{1,64})",
            re.I,
        ),
        ("users\\", ":/users/", "settings\\"),
    ),
)


SHORTEST_PLAIN = 15
"""Characters of the shortest finding without any of ``_TELLING``: ``xoxb-`` and ten letters."""
_TELLING = re.compile(r"[@:=/\\\d]")


def findings(text: str, without: str | None = None) -> list[Finding]:
    """All that is private in ``text``, in its order and none inside another; rule ``without`` is left out."""
    if len(text) < SHORTEST_PLAIN and not _TELLING.search(text):
        return []
    lowered = text.lower()
    rules = [rule for rule in RULES if rule.name != without and rule.is_hinted(lowered)]
    found = [one for rule in rules for one in rule.findings(text, lowered)]
    if not found:
        return found
    found.sort(key=lambda one: (one.start, -one.end))
    return _apart(found)


def user_names(path: str) -> list[Finding]:
    """The users' names in the path of a file, but for its last part: that is the file's own name."""
    lowered = path.lower()
    found = [one for rule in RULES if rule.name == "userpath" for one in rule.findings(path, lowered)]
    found.sort(key=lambda one: (one.start, -one.end))
    return [one for one in _apart(found) if one.end < len(path)]


def _apart(found: Iterable[Finding]) -> list[Finding]:
    """Those of the findings, which are sorted, that lie in no other one."""
    kept: list[Finding] = []
    for one in found:
        if one.end > one.start and (not kept or one.start >= kept[-1].end):
            kept.append(one)
    return kept


def marker(rule: str) -> str:
    """What stands in the place of a finding of ``rule``."""
    return MARKERS.get(rule, FILTERED)
