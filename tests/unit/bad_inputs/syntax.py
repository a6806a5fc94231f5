"""What is not the plain part of YAML that is taken. Every message is stated in full; a change of one is a change for operators."""

from __future__ import annotations

from .harness import Case, add, put, swap

CASES = (
    Case(
        "tab-as-indentation",
        (swap("units/centre.yaml", "    mode: central", "\tmode: central"),),
        ("sites/units/centre.yaml:6: HN-M008: a tab → use spaces, two for each level",),
    ),
    Case(
        "colon-in-value",
        (swap("sites/north.yaml", "street: 1 Phố", "street: 1: Phố"),),
        (
            'sites/sites/north.yaml:3: HN-M009: this is not YAML: mapping values are not allowed in this context → put a value that holds ": " in quotes, or check the indentation',
        ),
    ),
    Case(
        "open-quote",
        (swap("sites/north.yaml", "street: 1 Phố", 'street: "1 Phố'),),
        (
            "sites/sites/north.yaml:3: HN-M009: this is not YAML: found unexpected end of stream → close the quote or the bracket that is still open",
        ),
    ),
    Case(
        "open-bracket",
        (
            swap(
                "sites/north.yaml",
                "roles: [database, gateway, applications]",
                "roles: [database, gateway",
            ),
        ),
        (
            "sites/sites/north.yaml:12: HN-M009: this is not YAML: did not find expected ',' or ']' → close the bracket, or put a comma between the entries",
        ),
    ),
    Case(
        "bad-indentation",
        (swap("units/centre.yaml", "home: north", " home: north"),),
        (
            "sites/units/centre.yaml:3: HN-M009: this is not YAML: did not find expected key → indent the keys of one mapping alike, and close every quote",
        ),
    ),
    Case(
        "no-space-after-colon",
        (swap("units/centre.yaml", "home: north", "home:north"),),
        (
            "sites/units/centre.yaml:3: HN-M009: this is not YAML: could not find expected ':' → write \"key: value\", with a space after the colon",
        ),
    ),
    Case(
        "reserved-character",
        (swap("units/centre.yaml", "home: north", "home: @north"),),
        (
            "sites/units/centre.yaml:3: HN-M009: this is not YAML: found character that cannot start any token → put a value that begins with this character in quotes",
        ),
    ),
    Case(
        "duplicate-key",
        (add("units/centre.yaml", "home: east\n"),),
        (
            'sites/units/centre.yaml:7 home: HN-M014: the key "home" is here twice, first in line 3 → keep one of the two',
        ),
    ),
    Case(
        "duplicate-key-inside",
        (add("units/centre.yaml", "    mode: external\n"),),
        (
            'sites/units/centre.yaml:7 applications.personnel.mode: HN-M014: the key "mode" is here twice, first in line 6 → keep one of the two',
        ),
    ),
    Case(
        "two-documents",
        (add("units/centre.yaml", "---\nid: second\n"),),
        (
            'sites/units/centre.yaml:7: HN-M011: a second document begins here → keep one document in a file; remove the line "---"',
        ),
    ),
    Case(
        "anchor",
        (swap("units/centre.yaml", "home: north", "home: &h north"),),
        (
            "sites/units/centre.yaml:3 home: HN-M012: an anchor &h → write the value out; anchors, aliases, merge keys and tags are not used here",
        ),
    ),
    Case(
        "alias",
        (add("units/centre.yaml", "label: *h\n"),),
        (
            "sites/units/centre.yaml:7 label: HN-M012: an alias *h → write the value out; anchors, aliases, merge keys and tags are not used here",
        ),
    ),
    Case(
        "anchor-bomb",
        (put("units/press.yaml", "a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\n"),),
        (
            "sites/units/press.yaml:1 a: HN-M012: an anchor &a → write the value out; anchors, aliases, merge keys and tags are not used here",
        ),
    ),
    Case(
        "merge-key",
        (add("units/centre.yaml", "<<: {label: c}\n"),),
        (
            'sites/units/centre.yaml:7: HN-M012: a merge key "<<" → write the value out; anchors, aliases, merge keys and tags are not used here',
        ),
    ),
    Case(
        "python-tag",
        (swap("units/centre.yaml", "home: north", "home: !!python/object/apply:os.system [id]"),),
        (
            "sites/units/centre.yaml:3 home: HN-M012: a tag !!python/object/apply:os.system → write the value out; anchors, aliases, merge keys and tags are not used here",
        ),
    ),
    Case(
        "own-tag",
        (swap("units/centre.yaml", "home: north", "home: !site north"),),
        (
            "sites/units/centre.yaml:3 home: HN-M012: a tag !site → write the value out; anchors, aliases, merge keys and tags are not used here",
        ),
    ),
    Case(
        "too-deep",
        (put("units/press.yaml", "id: " + "[" * 20 + "]" * 20 + "\n"),),
        (
            "sites/units/press.yaml:1 id[0][0][0][0][0][0][0][0][0][0][0][0][0][0][0]: HN-M013: nested more than 16 levels deep → no file of the model needs that; see docs/model.md for its shape",
        ),
    ),
    Case(
        "very-deep",
        (put("units/press.yaml", "[" * 100_000),),
        (
            "sites/units/press.yaml:1: HN-M009: this is not YAML: exceeded maximum nesting depth → correct the line or the one above",
        ),
    ),
    Case(
        "very-deep-keys",
        (put("units/press.yaml", "{a: " * 50_000),),
        (
            "sites/units/press.yaml:1 a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a: HN-M013: nested more than 16 levels deep → no file of the model needs that; see docs/model.md for its shape",
        ),
    ),
    Case(
        "list-at-top",
        (put("units/press.yaml", "- id: press\n"),),
        (
            'sites/units/press.yaml:1: HN-M016: the file holds a list, where a mapping is expected → begin with "id: ..."; docs/model.md shows a unit file',
        ),
    ),
    Case(
        "text-at-top",
        (put("units/press.yaml", "press\n"),),
        (
            'sites/units/press.yaml:1: HN-M016: the file holds text, where a mapping is expected → begin with "id: ..."; docs/model.md shows a unit file',
        ),
    ),
    Case(
        "list-as-key",
        (put("units/press.yaml", "? [a, b]\n: c\n"),),
        (
            "sites/units/press.yaml:1: HN-M009: a mapping or a list is used as a key → write the key as text",
        ),
    ),
    Case(
        "number-as-key",
        (add("units/centre.yaml", "5: x\n"),),
        ('sites/units/centre.yaml:7 5: HN-M022: the key 5 is not text → write it in quotes: "5"',),
    ),
    Case(
        "unquoted-no",
        (swap("units/centre.yaml", "en: Centre", "en: no"),),
        (
            'sites/units/centre.yaml:2 name.en: HN-M015: no without quotes is a boolean to some readers and text to others → write "no" in quotes for the text, or true or false for a choice',
        ),
    ),
    Case(
        "unquoted-on-for-a-flag",
        (add("units/centre.yaml", "illustrative: on\n"),),
        (
            'sites/units/centre.yaml:7 illustrative: HN-M015: on without quotes is a boolean to some readers and text to others → write "on" in quotes for the text, or true or false for a choice',
        ),
    ),
    Case(
        "upper-case-true",
        (add("units/centre.yaml", "illustrative: TRUE\n"),),
        (
            'sites/units/centre.yaml:7 illustrative: HN-M015: TRUE without quotes is a boolean to some readers and text to others → write "TRUE" in quotes for the text, or true or false for a choice',
        ),
    ),
    Case(
        "sexagesimal",
        (swap("sites/north.yaml", "street: 1 Phố", "street: 12:30"),),
        (
            'sites/sites/north.yaml:3 street: HN-M015: 12:30 without quotes is a number to some readers and text to others → write "12:30" in quotes for the text, or a plain decimal number',
        ),
    ),
    Case(
        "leading-zero",
        (swap("sites/north.yaml", "cpus: 4", "cpus: 04"),),
        (
            'sites/sites/north.yaml:9 hosts[0].cpus: HN-M015: 04 without quotes is a number to some readers and text to others → write "04" in quotes for the text, or a plain decimal number',
        ),
    ),
    Case(
        "underscore-number",
        (swap("apps/personnel.yaml", "port: 8000", "port: 8_000"),),
        (
            'sites/apps/personnel.yaml:4 port: HN-M015: 8_000 without quotes is a number to some readers and text to others → write "8_000" in quotes for the text, or a plain decimal number',
        ),
    ),
    Case(
        "unquoted-no-as-key",
        (
            swap("units/centre.yaml", "  personnel:", "  no:"),
            swap(
                "roadmap.yaml",
                "    applications:\n      - app: personnel\n        units: [centre]\n",
                "",
            ),
        ),
        (
            'sites/units/centre.yaml:5 applications.no: HN-M015: no without quotes is a boolean to some readers and text to others → write "no" in quotes for the text, or true or false for a choice',
        ),
    ),
)
