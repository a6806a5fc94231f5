"""pydantic's errors → problems an operator can act on: place, fact, remedy."""

from __future__ import annotations

import difflib
import ipaddress
import json
from collections.abc import Iterable, Iterator
from typing import Any

from pydantic import ValidationError

from infra.model import scalars
from infra.model.jsonform import json_schema
from infra.model.positions import Lines, Path, clip
from infra.model.yamltext import Fault

_NEVER_WRITTEN = "[key]"  # pydantic's mark for an error in a key itself


def where(shown: str, line: int, path: Path) -> str:
    """sites/units/vnnic.yaml:12 applications.personnel.mode"""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{clip(part)}"
    return f"{shown}:{line} {text.removeprefix('.')}".rstrip()


def nearest_line(lines: Lines, path: Path) -> int:
    """The line of a path, or of the closest thing around it that is written."""
    while path and path not in lines:
        path = path[:-1]
    return lines.get(path, (1, ""))[0]


def not_a_mapping(data: Any, kind: str) -> Fault:
    what = f"the file holds {_kind_of(data)}, where a mapping is expected"
    return Fault(1, (), "HN-M016", what, f'begin with "id: ..."; docs/model.md shows a {kind} file')


def wrong_name(line: int, written: str, stem: str) -> Fault:
    what = f'the id "{clip(written)}" differs from the file\'s name "{clip(stem)}"'
    remedy = f"write id: {clip(stem)}, or name the file {clip(written)}.yaml; an id never changes"
    return Fault(line, ("id",), "HN-M025", what, remedy)


def suggestion(value: str, known: Iterable[str]) -> str:
    """'did you mean "x"? ' or nothing."""
    close = difflib.get_close_matches(value, sorted(known), 1, 0.7)
    return f'did you mean "{close[0]}"? ' if close else ""


def faults(kind: str, err: ValidationError, data: Any, lines: Lines) -> Iterator[Fault]:
    """One fault for each error, at the place where it is written."""
    for item in err.errors(include_url=False):
        if item["type"] == "too_short" and item["input"]:
            continue  # pydantic counts sound entries only; the faulty ones are told anyway
        path = _path(item["loc"], data)
        if item["type"] in ("union_tag_invalid", "union_tag_not_found"):
            path = (*path, "mode")
        code, what, remedy = _explained(item, kind, path, lines)
        at = path[:-1] if item["type"] in ("missing", "union_tag_not_found") else path
        yield Fault(nearest_line(lines, at), path, code, what, remedy)


def _path(loc: tuple[str | int, ...], data: Any) -> Path:
    """pydantic's location without the names of union members, which nobody wrote."""
    path: list[str | int] = []
    for position, part in enumerate(loc):
        last = position == len(loc) - 1
        if part == _NEVER_WRITTEN:
            continue
        if isinstance(data, dict) and (part in data or last):
            path.append(part)
            data = data.get(part)
        elif isinstance(data, list) and isinstance(part, int):
            path.append(part)
            data = data[part] if part < len(data) else None
    return tuple(path)


def _explained(item: Any, kind: str, path: Path, lines: Lines) -> tuple[str, str, str]:
    """(code, what, remedy) of one error of pydantic's."""
    name, value, context = item["type"], item.get("input"), item.get("ctx", {})
    if name == "extra_forbidden":
        return _unknown_key(kind, item["loc"])
    if name == "missing":
        return "HN-M021", f'the key "{path[-1]}" is missing', _example(str(path[-1]), path)
    if value is None and name not in ("union_tag_not_found",):
        return "HN-M022", "the value is missing", _example(str(path[-1]) if path else "", path)
    if name == "string_type":
        written = lines.get(path, (0, ""))[1] or value
        if isinstance(value, dict | list):
            return "HN-M022", f"{_kind_of(value)} where text is expected", "write text"
        what = f"{_kind_of(value)}, {clip(written)}, where text is expected"
        return "HN-M022", what, f'write it in quotes: "{clip(written)}"'
    if name in _TYPES:
        expected, remedy = _TYPES[name]
        return "HN-M022", f"{_shown(value)} where {expected} is expected", remedy
    if name in _CHOICES:
        code, what, remedy = _choice(name, value, context)
        return code, what, f"{remedy} or a list of units" if path[-1] == "units" else remedy
    if name in _RANGES:
        what, remedy = _RANGES[name]
        fields = {"value": _shown(value), **{k: _limit(v) for k, v in context.items()}}
        return "HN-M024", what.format(**fields), remedy.format(**fields)
    return "HN-M023", f"{_shown(value)} is not accepted", _accepted(name, value, context)


def _unknown_key(kind: str, loc: Path) -> tuple[str, str, str]:
    known = known_keys(kind, loc[:-1])
    hint = suggestion(str(loc[-1]), known)
    what = f'the key "{clip(loc[-1])}" is not known here'
    return "HN-M020", what, f"{hint or 'remove it; '}known keys: {', '.join(known)}"


def _choice(name: str, value: Any, context: Any) -> tuple[str, str, str]:
    if name == "union_tag_not_found":
        return "HN-M021", 'the key "mode" is missing', "add mode: central, self-hosted or external"
    if name == "union_tag_invalid":
        value = context["tag"]
        options = [t.strip(" '") for t in context["expected_tags"].split(",")]
    else:
        options = [t.strip(" '") for t in context["expected"].replace(" or ", ",").split(",")]
    hint = suggestion(value, options) if isinstance(value, str) else ""
    return (
        "HN-M023",
        f"{_shown(value)} is not one of the choices",
        f"{hint}choose {_either(options)}",
    )


def _accepted(name: str, value: Any, context: Any) -> str:
    if name == "value_error":
        return str(context["error"])
    if name == "string_pattern_mismatch":
        return _HINTS.get(context["pattern"], f"write it as {context['pattern']}")
    if name.startswith("ip_v4_network"):
        try:
            return f"the network of that address is {ipaddress.IPv4Network(value, strict=False)}"
        except ValueError:
            return "write an IPv4 network with its prefix length, such as 10.77.1.0/24"
    if name.startswith("ip_v4"):
        return "write an IPv4 address, such as 10.77.1.10"
    if name.startswith("date"):
        return "write a date that exists as year-month-day, such as 2027-06-30"
    return "see docs/model.md"


def known_keys(kind: str, loc: Path) -> list[str]:
    """The keys that may stand at a location of pydantic's, by the JSON Schema."""
    root = json_schema(kind)
    nodes: list[Any] = [root]
    for part in loc:
        chosen = [n["discriminator"]["mapping"] for n in nodes if "discriminator" in n]
        if chosen and part in chosen[0]:
            nodes = [{"$ref": chosen[0][part]}]
        else:
            below = [n for node in nodes for n in _below(_variants(node, root), part)]
            nodes = below or nodes  # a union's member has a name in loc and none in the file
    keys = (k for node in nodes for v in _variants(node, root) for k in v.get("properties", ()))
    return sorted(set(keys))


def _variants(node: Any, root: Any) -> list[Any]:
    if "$ref" in node:
        return _variants(root["$defs"][node["$ref"].rpartition("/")[2]], root)
    options = node.get("anyOf") or node.get("oneOf")
    return [v for option in options for v in _variants(option, root)] if options else [node]


def _below(nodes: list[Any], part: str | int) -> Iterator[Any]:
    for node in nodes:
        if isinstance(part, int):
            if "items" in node:
                yield node["items"]
        elif part in node.get("properties", ()):
            yield node["properties"][part]
        else:
            yield from node.get("patternProperties", {}).values()


def _example(key: str, path: Path) -> str:
    return f"add {key}: {_EXAMPLES.get(key, '...')}" if key else "write a value"


def _kind_of(value: Any) -> str:
    names = {dict: "a mapping", list: "a list", str: "text", bool: "true or false"}
    names |= {int: "a number", float: "a number", type(None): "nothing"}
    return names.get(type(value), "something else")


def _shown(value: Any) -> str:
    if isinstance(value, dict | list) or value is None:
        return _kind_of(value)
    return (
        clip(json.dumps(value, ensure_ascii=False))
        if isinstance(value, str | bool)
        else clip(value)
    )


def _limit(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _either(options: list[str]) -> str:
    return " or ".join([", ".join(options[:-1]), options[-1]]) if len(options) > 1 else options[0]


_TYPES = {
    "int_type": ("a whole number", "write a whole number without quotes"),
    "float_type": ("a number", "write a number without quotes"),
    "bool_type": ("true or false", "write true or false without quotes"),
    "tuple_type": ("a list", 'write a list: one entry a line, each after "- ", or [a, b]'),
    "dict_type": ("a mapping", "write key: value in lines of their own, indented below the key"),
    "model_type": ("a mapping", "write key: value in lines of their own, indented below the key"),
    "model_attributes_type": ("a mapping", "write key: value lines, indented below the key"),
}
_CHOICES = ("literal_error", "union_tag_invalid", "union_tag_not_found")
_RANGES = {
    "greater_than_equal": ("{value} is too small", "write {ge} or more"),
    "greater_than": ("{value} is too small", "write more than {gt}"),
    "less_than_equal": ("{value} is too large", "write {le} or less"),
    "string_too_short": ("the text is empty", "write at least {min_length} character"),
    "string_too_long": ("the text is too long", "write at most {max_length} characters"),
    "too_short": ("the list is empty", "write at least {min_length} entry"),
}
_EXAMPLES = {
    "id": "the file's name without .yaml",
    "name": "with vi: and en: below it",
    "vi": "the name in Vietnamese",
    "en": "the name in English",
    "mode": "central, self-hosted or external",
    "host": "the id of one of the unit's hosts",
    "endpoint": "https://vanban.example.vn/",
    "home": "the id of the site where the unit sits",
    "address": "10.77.1.10",
    "network": "10.77.1.0/24",
    "container_network": "172.30.1.0/24",
    "memory": "8GiB",
    "storage": "100GiB",
    "cpus": "4",
}
_HINTS = {
    scalars.ID_PATTERN: "write 1 to 31 small letters, digits and hyphens, beginning with a letter",
    scalars.LABEL_PATTERN: "write a part of a host name: small letters, digits and hyphens",
    scalars.DOMAIN_PATTERN: "write a domain name in small letters, such as mic.example",
    scalars.LINE_PATTERN: "write one line that does not begin with a space",
    scalars.KEY_PATTERN: "write an SSH public key without options, such as ssh-ed25519 AAAA... me",
    scalars.PATH_PATTERN: "write a path that begins with /, such as /health",
    scalars.DIRECTORY_PATTERN: "write an absolute path of two to eight parts, such as /srv/backup",
    scalars.TIME_PATTERN: 'write a time of day from "00:00" to "23:59", such as "01:30"',
    scalars.EXTENSION_PATTERN: "write the name of a PostgreSQL extension, such as pg_trgm",
    scalars.ENVIRONMENT_PATTERN: "write capital letters, digits and underscores, such as LOG_LEVEL",
    scalars.MODULE_PATTERN: "write a module's name: small letters, digits and underscores",
}
