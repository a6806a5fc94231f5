"""Problems of several files at once. Every message is stated in full; a change of one is a change for operators."""

from __future__ import annotations

from .harness import Case, add, put, swap

CASES = (
    Case(
        "problems-of-several-files",
        (
            swap("ministry.yaml", "domain: mic.example", "domain: mic"),
            swap("sites/north.yaml", "cpus: 4", "cpus: four"),
            swap("units/centre.yaml", "home: north", "home: noth\nillustrative: yes\ncolour: red"),
            put("units/press.yaml", "id: press\n\tname: x\n"),
            put("units/late.yml", "id: late\n"),
            add("apps/documents.yaml", "port: 8000\n"),
        ),
        (
            "sites/apps/personnel.yaml:4 port: HN-M080: the port 8000 is that of the application documents → choose another port",
            'sites/ministry.yaml:3 domain: HN-M023: "mic" is not accepted → write a domain name in small letters, such as mic.example',
            'sites/sites/north.yaml:9 hosts[0].cpus: HN-M022: "four" where a whole number is expected → write a whole number without quotes',
            'sites/units/centre.yaml:4 illustrative: HN-M015: yes without quotes is a boolean to some readers and text to others → write "yes" in quotes for the text, or true or false for a choice',
            'sites/units/centre.yaml:5 colour: HN-M020: the key "colour" is not known here → remove it; known keys: applications, closed, former_labels, home, hosts, id, illustrative, label, name, note, operators, predecessors, records, split_from',
            "sites/units/late.yml: HN-M003: this does not belong to the model → rename it to late.yaml",
            "sites/units/press.yaml:2: HN-M008: a tab → use spaces, two for each level",
        ),
    ),
    Case(
        "a-broken-file-hides-no-reference-to-it",
        (put("sites/north.yaml", "id: [north\n"),),
        (
            "sites/sites/north.yaml:1: HN-M009: this is not YAML: did not find expected ',' or ']' → close the bracket, or put a comma between the entries",
        ),
    ),
)
