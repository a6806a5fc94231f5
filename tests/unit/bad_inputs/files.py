"""What is not a readable text file of the model. Every message is stated in full; a change of one is a change for operators."""

from __future__ import annotations

from .harness import Case, drop, folder, link, pipe, put, swap

CASES = (
    Case(
        "no-ministry",
        (drop("ministry.yaml"),),
        (
            "sites/ministry.yaml: HN-M002: the file is missing → add it; docs/model.md shows a ministry file",
        ),
    ),
    Case(
        "no-roadmap",
        (drop("roadmap.yaml"),),
        (
            "sites/roadmap.yaml: HN-M002: the file is missing → add it; docs/model.md shows a roadmap file",
        ),
    ),
    Case(
        "no-sites",
        (drop("sites"),),
        ("sites/sites: HN-M002: no site is described → add sites/sites/<site>.yaml for each site",),
    ),
    Case(
        "nothing-at-all",
        (
            drop("ministry.yaml"),
            drop("roadmap.yaml"),
            drop("sites"),
            drop("units"),
            drop("apps"),
        ),
        (
            "sites/ministry.yaml: HN-M002: the file is missing → add it; docs/model.md shows a ministry file",
            "sites/roadmap.yaml: HN-M002: the file is missing → add it; docs/model.md shows a roadmap file",
            "sites/sites: HN-M002: no site is described → add sites/sites/<site>.yaml for each site",
        ),
    ),
    Case(
        "wrong-ending",
        (put("units/press.yml", "id: press\n"),),
        (
            "sites/units/press.yml: HN-M003: this does not belong to the model → rename it to press.yaml",
        ),
    ),
    Case(
        "upper-case-ending",
        (put("units/press.YAML", "id: press\n"),),
        (
            "sites/units/press.YAML: HN-M003: this does not belong to the model → rename it to press.yaml",
        ),
    ),
    Case(
        "stray-file",
        (put("units/press.docx", "x"),),
        (
            "sites/units/press.docx: HN-M003: this does not belong to the model → remove it; only .yaml files belong here",
        ),
    ),
    Case(
        "stray-at-top",
        (put("ministy.yaml", "id: mic\n"),),
        (
            "sites/ministy.yaml: HN-M003: this does not belong to the model → did you mean ministry.yaml?",
        ),
    ),
    Case(
        "stray-folder",
        (folder("unit"),),
        ("sites/unit: HN-M003: this does not belong to the model → did you mean units?",),
    ),
    Case(
        "directory-for-file",
        (folder("units/press.yaml"),),
        ("sites/units/press.yaml: HN-M004: this is not an ordinary file → put a text file here",),
    ),
    Case(
        "file-for-directory",
        (
            drop("apps"),
            put("apps", "x"),
        ),
        ("sites/apps: HN-M004: a file stands where a directory is expected → make it a directory",),
    ),
    Case(
        "link-out-of-tree",
        (link("units/press.yaml", "/etc/hostname"),),
        (
            "sites/units/press.yaml: HN-M005: a symbolic link that leads out of the model's directory → put the file itself here",
        ),
    ),
    Case(
        "link-to-nothing",
        (link("units/press.yaml", "gone.yaml"),),
        (
            "sites/units/press.yaml: HN-M004: a symbolic link that leads nowhere → remove it, or put the file itself here",
        ),
    ),
    Case(
        "folder-link-out-of-tree",
        (
            drop("apps"),
            link("apps", "/etc"),
        ),
        (
            "sites/apps: HN-M005: a symbolic link that leads out of the model's directory → put the file itself here",
        ),
    ),
    Case(
        "a-pipe",
        (pipe("units/press.yaml"),),
        ("sites/units/press.yaml: HN-M004: this is not an ordinary file → put a text file here",),
    ),
    Case(
        "ten-megabytes",
        (put("units/press.yaml", b"#" * 10_000_000),),
        (
            "sites/units/press.yaml: HN-M006: the file has 10,000,000 bytes; the limit is 1,048,576 → no file of the model needs more; check that it is the right one",
        ),
    ),
    Case(
        "one-byte-too-large",
        (put("units/press.yaml", b"#" * (2**20 + 1)),),
        (
            "sites/units/press.yaml: HN-M006: the file has 1,048,577 bytes; the limit is 1,048,576 → no file of the model needs more; check that it is the right one",
        ),
    ),
    Case(
        "not-utf-8",
        (put("units/press.yaml", "id: press\nname: {vi: Báo chí, en: Press}\n".encode("latin-1")),),
        ("sites/units/press.yaml:2: HN-M007: byte 0xe1 is not UTF-8 → save the file as UTF-8",),
    ),
    Case(
        "utf-16",
        (put("units/press.yaml", "id: press\n".encode("utf-16")),),
        (
            "sites/units/press.yaml:1: HN-M007: the file begins with a byte order mark → save it as UTF-8 without BOM",
        ),
    ),
    Case(
        "byte-order-mark",
        (put("units/press.yaml", b"\xef\xbb\xbfid: press\n"),),
        (
            "sites/units/press.yaml:1: HN-M007: the file begins with a byte order mark → save it as UTF-8 without BOM",
        ),
    ),
    Case(
        "nul",
        (put("units/press.yaml", b"id: press\nlabel: a\0b\n"),),
        (
            "sites/units/press.yaml:2: HN-M007: a NUL character → remove it; the file must be plain text",
        ),
    ),
    Case(
        "escape-character",
        (put("units/press.yaml", b"id: press\nlabel: a\x1b[31mb\n"),),
        ("sites/units/press.yaml:2: HN-M007: the invisible character U+001B → remove it",),
    ),
    Case(
        "reversed-text",
        (swap("units/centre.yaml", "en: Centre", "en: \u202eCentre"),),
        ("sites/units/centre.yaml:2: HN-M007: the invisible character U+202E → remove it",),
    ),
    Case(
        "letters-apart",
        (swap("units/radio.yaml", "vi: Tần số", "vi: Ta\u0302\u0300n so\u0302\u0301"),),
        (
            "sites/units/radio.yaml:2: HN-M007: letters are written as a base and separate marks → save the file in Unicode form NFC, as Vietnamese keyboards do",
        ),
    ),
    Case(
        "empty-file",
        (put("units/press.yaml", ""),),
        (
            "sites/units/press.yaml: HN-M010: the file is empty → describe the object in it, or remove the file",
        ),
    ),
    Case(
        "only-spaces",
        (put("units/press.yaml", "  \n\n"),),
        (
            "sites/units/press.yaml: HN-M010: the file is empty → describe the object in it, or remove the file",
        ),
    ),
    Case(
        "only-a-comment",
        (put("units/press.yaml", "# later\n"),),
        (
            'sites/units/press.yaml:1: HN-M016: the file holds nothing, where a mapping is expected → begin with "id: ..."; docs/model.md shows a unit file',
        ),
    ),
)
