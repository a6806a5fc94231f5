"""What does not fit its class: keys, types, values. Every message is stated in full; a change of one is a change for operators."""

from __future__ import annotations

from .harness import Case, add, put, swap

CASES = (
    Case(
        "unknown-key",
        (swap("units/centre.yaml", "home: north", "hme: north"),),
        (
            'sites/units/centre.yaml:1 home: HN-M021: the key "home" is missing → add home: the id of the site where the unit sits',
            'sites/units/centre.yaml:3 hme: HN-M020: the key "hme" is not known here → did you mean "home"? known keys: applications, closed, former_labels, home, hosts, id, illustrative, label, name, note, operators, predecessors, records, split_from',
        ),
    ),
    Case(
        "unknown-key-in-a-list",
        (swap("sites/north.yaml", "    address:", "    adress:"),),
        (
            'sites/sites/north.yaml:7 hosts[0].address: HN-M021: the key "address" is missing → add address: 10.77.1.10',
            'sites/sites/north.yaml:8 hosts[0].adress: HN-M020: the key "adress" is not known here → did you mean "address"? known keys: address, cpus, id, memory, roles, storage',
        ),
    ),
    Case(
        "unknown-key-with-no-relative",
        (add("units/centre.yaml", "colour: red\n"),),
        (
            'sites/units/centre.yaml:7 colour: HN-M020: the key "colour" is not known here → remove it; known keys: applications, closed, former_labels, home, hosts, id, illustrative, label, name, note, operators, predecessors, records, split_from',
        ),
    ),
    Case(
        "unknown-key-of-a-choice",
        (add("units/centre.yaml", "    endpoint: https://radio.example/\n"),),
        (
            'sites/units/centre.yaml:7 applications.personnel.endpoint: HN-M020: the key "endpoint" is not known here → remove it; known keys: host, mode',
        ),
    ),
    Case(
        "missing-name",
        (swap("units/centre.yaml", "name: {vi: Trung tâm, en: Centre}\n", ""),),
        (
            'sites/units/centre.yaml:1 name: HN-M021: the key "name" is missing → add name: with vi: and en: below it',
        ),
    ),
    Case(
        "missing-english-name",
        (swap("units/centre.yaml", ", en: Centre", ""),),
        (
            'sites/units/centre.yaml:2 name.en: HN-M021: the key "en" is missing → add en: the name in English',
        ),
    ),
    Case(
        "missing-mode",
        (swap("units/centre.yaml", "    mode: central", "    endpoint: https://a.example/"),),
        (
            'sites/units/centre.yaml:5 applications.personnel.mode: HN-M021: the key "mode" is missing → add mode: central, self-hosted or external',
        ),
    ),
    Case(
        "unknown-mode",
        (swap("units/centre.yaml", "mode: central", "mode: centrl"),),
        (
            'sites/units/centre.yaml:6 applications.personnel.mode: HN-M023: "centrl" is not one of the choices → did you mean "central"? choose central, self-hosted or external',
        ),
    ),
    Case(
        "self-hosted-without-host",
        (swap("units/radio.yaml", "    host: radio-1\n", ""),),
        (
            'sites/units/radio.yaml:6 applications.personnel.host: HN-M021: the key "host" is missing → add host: the id of one of the unit\'s hosts',
        ),
    ),
    Case(
        "external-without-endpoint",
        (swap("units/radio.yaml", "    endpoint: https://vanban.radio.example/\n", ""),),
        (
            'sites/units/radio.yaml:9 applications.documents.endpoint: HN-M021: the key "endpoint" is missing → add endpoint: https://vanban.example.vn/',
        ),
    ),
    Case(
        "external-without-tls",
        (swap("units/radio.yaml", "https://vanban", "http://vanban"),),
        (
            'sites/units/radio.yaml:11 applications.documents.endpoint: HN-M023: "http://vanban.radio.example/" is not accepted → write an https address, such as https://vanban.example.vn/',
        ),
    ),
    Case(
        "value-missing",
        (swap("units/centre.yaml", "home: north", "home:"),),
        (
            "sites/units/centre.yaml:3 home: HN-M022: the value is missing → add home: the id of the site where the unit sits",
        ),
    ),
    Case(
        "number-for-text",
        (swap("sites/north.yaml", "street: 1 Phố", "street: 18"),),
        (
            'sites/sites/north.yaml:3 street: HN-M022: a number, 18, where text is expected → write it in quotes: "18"',
        ),
    ),
    Case(
        "list-for-text",
        (swap("units/centre.yaml", "home: north", "home: [north]"),),
        ("sites/units/centre.yaml:3 home: HN-M022: a list where text is expected → write text",),
    ),
    Case(
        "text-for-list",
        (swap("sites/north.yaml", "roles: [database, gateway, applications]", "roles: database"),),
        (
            'sites/sites/north.yaml:12 hosts[0].roles: HN-M022: "database" where a list is expected → write a list: one entry a line, each after "- ", or [a, b]',
        ),
    ),
    Case(
        "text-for-mapping",
        (swap("units/centre.yaml", "name: {vi: Trung tâm, en: Centre}", "name: Centre"),),
        (
            'sites/units/centre.yaml:2 name: HN-M022: "Centre" where a mapping is expected → write key: value in lines of their own, indented below the key',
        ),
    ),
    Case(
        "list-for-mapping",
        (
            swap(
                "units/centre.yaml",
                "applications:\n  personnel:\n    mode: central\n",
                "applications: [personnel]\n",
            ),
        ),
        (
            "sites/units/centre.yaml:4 applications: HN-M022: a list where a mapping is expected → write key: value in lines of their own, indented below the key",
        ),
    ),
    Case(
        "text-for-number",
        (swap("sites/north.yaml", "cpus: 4", 'cpus: "4"'),),
        (
            'sites/sites/north.yaml:9 hosts[0].cpus: HN-M022: "4" where a whole number is expected → write a whole number without quotes',
        ),
    ),
    Case(
        "fraction-for-whole-number",
        (swap("sites/north.yaml", "cpus: 4", "cpus: 4.5"),),
        (
            "sites/sites/north.yaml:9 hosts[0].cpus: HN-M022: 4.5 where a whole number is expected → write a whole number without quotes",
        ),
    ),
    Case(
        "text-for-flag",
        (add("units/centre.yaml", 'illustrative: "true"\n'),),
        (
            'sites/units/centre.yaml:7 illustrative: HN-M022: "true" where true or false is expected → write true or false without quotes',
        ),
    ),
    Case(
        "too-small",
        (swap("sites/north.yaml", "cpus: 4", "cpus: 0"),),
        ("sites/sites/north.yaml:9 hosts[0].cpus: HN-M024: 0 is too small → write 1 or more",),
    ),
    Case(
        "too-large",
        (swap("apps/personnel.yaml", "port: 8000", "port: 80000"),),
        ("sites/apps/personnel.yaml:4 port: HN-M024: 80000 is too large → write 65535 or less",),
    ),
    Case(
        "size-without-unit",
        (swap("sites/north.yaml", "memory: 8GiB", "memory: 8"),),
        (
            "sites/sites/north.yaml:10 hosts[0].memory: HN-M023: 8 is not accepted → write a size as a number with MiB, GiB or TiB, such as 8GiB",
        ),
    ),
    Case(
        "size-in-other-unit",
        (swap("sites/north.yaml", "memory: 8GiB", "memory: 8GB"),),
        (
            'sites/sites/north.yaml:10 hosts[0].memory: HN-M023: "8GB" is not accepted → write a size as a number with MiB, GiB or TiB, such as 8GiB',
        ),
    ),
    Case(
        "unknown-role",
        (swap("sites/north.yaml", "[database,", "[databse,"),),
        (
            'sites/sites/north.yaml:12 hosts[0].roles[0]: HN-M023: "databse" is not one of the choices → did you mean "database"? choose database, gateway or applications',
        ),
    ),
    Case(
        "empty-list",
        (swap("ministry.yaml", "[10.78.0.0/16]", "[]"),),
        (
            "sites/ministry.yaml:7 user_networks: HN-M024: the list is empty → write at least 1 entry",
        ),
    ),
    Case(
        "no-hosts",
        (
            put(
                "sites/north.yaml",
                "id: north\nname: {vi: N, en: N}\nstreet: S\nnetwork: 10.77.1.0/24\ncontainer_network: 172.30.1.0/24\nhosts: []\n",
            ),
        ),
        ("sites/sites/north.yaml:6 hosts: HN-M024: the list is empty → write at least 1 entry",),
    ),
    Case(
        "bad-id",
        (swap("ministry.yaml", "id: mic", "id: MIC"),),
        (
            'sites/ministry.yaml:1 id: HN-M023: "MIC" is not accepted → write 1 to 31 small letters, digits and hyphens, beginning with a letter',
        ),
    ),
    Case(
        "id-too-long",
        (swap("ministry.yaml", "id: mic", "id: a-ministry-with-far-too-long-an-id"),),
        (
            'sites/ministry.yaml:1 id: HN-M023: "a-ministry-with-far-too-long-an-id" is not accepted → write 1 to 31 small letters, digits and hyphens, beginning with a letter',
        ),
    ),
    Case(
        "bad-label",
        (swap("units/radio.yaml", "label: tan-so", "label: tần-số"),),
        (
            'sites/units/radio.yaml:4 label: HN-M023: "tần-số" is not accepted → write a part of a host name: small letters, digits and hyphens',
        ),
    ),
    Case(
        "bad-domain",
        (swap("ministry.yaml", "domain: mic.example", "domain: mic"),),
        (
            'sites/ministry.yaml:3 domain: HN-M023: "mic" is not accepted → write a domain name in small letters, such as mic.example',
        ),
    ),
    Case(
        "bad-address",
        (swap("sites/north.yaml", "10.77.1.10", "10.77.1.300"),),
        (
            'sites/sites/north.yaml:8 hosts[0].address: HN-M023: "10.77.1.300" is not accepted → write an IPv4 address, such as 10.77.1.10',
        ),
    ),
    Case(
        "host-bits-in-network",
        (swap("sites/north.yaml", "10.77.1.0/24", "10.77.1.7/24"),),
        (
            'sites/sites/north.yaml:4 network: HN-M023: "10.77.1.7/24" is not accepted → the network of that address is 10.77.1.0/24',
        ),
    ),
    Case(
        "network-without-length",
        (swap("sites/north.yaml", "10.77.1.0/24", "10.77.1.0"),),
        (
            'sites/sites/north.yaml:4 network: HN-M023: "10.77.1.0" is not accepted → write an IPv4 network with its prefix length, such as 10.77.1.0/24',
        ),
    ),
    Case(
        "bad-date",
        (swap("roadmap.yaml", "ends: 2027-03-31", "ends: 2027-02-31"),),
        (
            'sites/roadmap.yaml:7 waves[0].ends: HN-M023: "2027-02-31" is not accepted → write a date that exists as year-month-day, such as 2027-06-30',
        ),
    ),
    Case(
        "date-in-other-form",
        (swap("roadmap.yaml", "ends: 2027-03-31", "ends: 31/03/2027"),),
        (
            'sites/roadmap.yaml:7 waves[0].ends: HN-M023: "31/03/2027" is not accepted → write a date as year-month-day, such as 2027-06-30',
        ),
    ),
    Case(
        "bad-ssh-key",
        (
            swap(
                "ministry.yaml", "ssh-ed25519 AAAAC3NzaC1lZDI1 an", "command=x ssh-ed25519 AAAA an"
            ),
        ),
        (
            'sites/ministry.yaml:11 operators[0].keys[0]: HN-M023: "command=x ssh-ed25519 AAAA an" is not accepted → write an SSH public key without options, such as ssh-ed25519 AAAA... me',
        ),
    ),
    Case(
        "line-break-in-name",
        (swap("units/centre.yaml", "en: Centre", 'en: "Cen\\ntre"'),),
        (
            'sites/units/centre.yaml:2 name.en: HN-M023: "Cen\\ntre" is not accepted → write one line that does not begin with a space',
        ),
    ),
    Case(
        "bad-application-id",
        (
            swap("units/centre.yaml", "  personnel:", "  Personnel:"),
            swap(
                "roadmap.yaml",
                "    applications:\n      - app: personnel\n        units: [centre]\n",
                "",
            ),
        ),
        (
            'sites/units/centre.yaml:5 applications.Personnel: HN-M023: "Personnel" is not accepted → write 1 to 31 small letters, digits and hyphens, beginning with a letter',
        ),
    ),
    Case(
        "id-differs-from-name",
        (swap("units/radio.yaml", "id: radio\n", "id: rado\n"),),
        (
            'sites/units/radio.yaml:1 id: HN-M025: the id "rado" differs from the file\'s name "radio" → write id: radio, or name the file rado.yaml; an id never changes',
        ),
    ),
    Case(
        "units-neither-all-nor-list",
        (swap("roadmap.yaml", "units: [centre]", "units: every"),),
        (
            'sites/roadmap.yaml:16 waves[1].applications[0].units: HN-M023: "every" is not one of the choices → choose all or a list of units',
        ),
    ),
)
