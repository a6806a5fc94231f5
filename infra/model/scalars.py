"""The single values of the model: ids, names, addresses, sizes. No one can start a new line.

Every pattern is strict enough that a value may stand in a rendered file as it is.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import re
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

_SIZE_PATTERN = r"^\d{1,6}(\.\d{1,3})?\s?(MiB|GiB|TiB)$"
_SIZE = re.compile(r"(\d{1,6}(?:\.\d{1,3})?)\s?(MiB|GiB|TiB)", re.ASCII)
_FACTORS = {"MiB": 2**20, "GiB": 2**30, "TiB": 2**40}
# No control character, so that a text can never start a new line in a rendered file.
LINE_PATTERN = r"^\S[^\x00-\x1f\x7f\x85\u2028\u2029]*$"
# authorized_keys without options; what a key may do is the toolkit's decision.
KEY_PATTERN = (
    r"^(ssh-ed25519|ssh-rsa|ecdsa-sha2-[a-z0-9-]+|sk-[a-z0-9@.-]+)"
    r" [A-Za-z0-9+/]+={0,3}( [ -~]*)?$"
)
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
ID_PATTERN = r"^[a-z](?:[a-z0-9-]{0,29}[a-z0-9])?$"
LABEL_PATTERN = rf"^{_LABEL}$"
DOMAIN_PATTERN = rf"^(?:{_LABEL}\.)+[a-z]{{2,63}}$"
PATH_PATTERN = r"^/[A-Za-z0-9._~/?&=%-]*$"
# Two levels at least, no "..": nothing that a backup could mistake for the system's own.
DIRECTORY_PATTERN = r"^(/[A-Za-z0-9_-][A-Za-z0-9._-]*){2,8}$"
TIME_PATTERN = r"^([01]\d|2[0-3]):[0-5]\d$"
EXTENSION_PATTERN = r"^[a-z][a-z0-9_-]{0,62}$"
ENVIRONMENT_PATTERN = r"^[A-Z][A-Z0-9_]{0,62}$"
MODULE_PATTERN = r"^[a-z][a-z0-9_]{0,62}$"
_HTTPS = re.compile(
    rf"https://{_LABEL}(?:\.{_LABEL})*(?::[1-9]\d{{0,4}})?(?:/[A-Za-z0-9._~/?&=%+,:@-]*)?", re.ASCII
)


def parse_size(value: Any) -> int:
    """'8GiB' → bytes. Raises ValueError with the accepted forms."""
    match = _SIZE.fullmatch(value) if isinstance(value, str) else None
    if not match or not (size := int(float(match[1]) * _FACTORS[match[2]])):
        raise ValueError("write a size as a number with MiB, GiB or TiB, such as 8GiB")
    return size


def written_size(value: int) -> str:
    """Bytes as an operator writes them: "8GiB"; what is no whole number of MiB in bytes."""
    largest_first = reversed(_FACTORS.items())
    whole = ((f, u) for u, f in largest_first if value and value % f == 0)
    factor, unit = next(whole, (1, " bytes"))
    return f"{value // factor}{unit}"


def _https(value: str) -> str:
    if not _HTTPS.fullmatch(value):
        raise ValueError("write an https address, such as https://vanban.example.vn/")
    return value


def _address(value: Any) -> Any:
    """Only the dotted form: pydantic alone would also take a bare number."""
    if not isinstance(value, str):
        raise ValueError("write an IPv4 address, such as 10.77.1.10")
    return value


def _network(value: Any) -> Any:
    if not isinstance(value, str) or "/" not in value:
        raise ValueError("write an IPv4 network with its prefix length, such as 10.77.1.0/24")
    return value


def _date(value: Any) -> Any:
    if not isinstance(value, str) or not re.fullmatch(r"\d{4}-\d\d-\d\d", value, re.ASCII):
        raise ValueError("write a date as year-month-day, such as 2027-06-30")
    return value


def _schema(**extra: Any) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", **extra})


Id = Annotated[str, Field(pattern=ID_PATTERN)]
HostLabel = Annotated[str, Field(pattern=LABEL_PATTERN)]
Domain = Annotated[str, Field(pattern=DOMAIN_PATTERN, max_length=200)]
Text = Annotated[str, Field(min_length=1, max_length=400, pattern=LINE_PATTERN)]
Note = Annotated[str, Field(min_length=1, max_length=4000)]
Size = Annotated[int, BeforeValidator(parse_size), _schema(pattern=_SIZE_PATTERN)]
Address = Annotated[ipaddress.IPv4Address, BeforeValidator(_address), _schema(format="ipv4")]
Network = Annotated[
    ipaddress.IPv4Network,
    BeforeValidator(_network),
    _schema(pattern=r"^(\d{1,3}\.){3}\d{1,3}/\d{1,2}$"),
]
Date = Annotated[dt.date, BeforeValidator(_date), _schema(format="date")]
Directory = Annotated[str, Field(pattern=DIRECTORY_PATTERN)]
TimeOfDay = Annotated[str, Field(pattern=TIME_PATTERN)]
HttpsUrl = Annotated[str, AfterValidator(_https), _schema(pattern=r"^https://")]
Flag = Annotated[bool, Field(strict=True)]
Whole = Annotated[int, Field(strict=True)]
Port = Annotated[Whole, Field(ge=1, le=65535)]
