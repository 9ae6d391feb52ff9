"""CodeView records for synthetic modules."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True)
class Pdb70:
    """``RSDS``: a GUID, an age and the name of the debug file. macOS: LC_UUID and age 0."""

    guid: str
    age: int = 1
    name: str = "app.pdb"

    def encode(self, order: str) -> bytes:
        guid = UUID(self.guid)
        fields = struct.pack(order + "IHH", guid.time_low, guid.time_mid, guid.time_hi_version) + guid.bytes[8:]
        return struct.pack(order + "I", 0x53445352) + fields + struct.pack(order + "I", self.age) + _name(self.name)


@dataclass(frozen=True)
class Pdb20:
    """``NB10``: what linkers wrote before Visual Studio .NET."""

    signature: int
    age: int = 1
    name: str = "app.pdb"

    def encode(self, order: str) -> bytes:
        return struct.pack(order + "IIII", 0x3031424E, 0, self.signature, self.age) + _name(self.name)


@dataclass(frozen=True)
class BuildId:
    """``LEpB`` in the file: an ELF build id of any length, in hex."""

    hex: str

    def encode(self, order: str) -> bytes:
        return struct.pack(order + "I", 0x4270454C) + bytes.fromhex(self.hex)


CodeView = Pdb70 | Pdb20 | BuildId


def _name(text: str) -> bytes:
    return text.encode() + b"\0"
