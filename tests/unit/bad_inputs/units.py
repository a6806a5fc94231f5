"""Impossible wishes about units, as a hand may write them. Every message is stated in full; a change of one is a change for operators."""

from __future__ import annotations

from .harness import Case, Edit, add, put, swap

PRESS = "id: press\nname: {vi: Báo chí, en: Press}\nhome: north\n"
MAYAN = """\
service: mayan
serves: one-unit
port: 8100
health: {path: /}
resources: {memory: 2GiB, cpus: 0.5}
"""
BACKUP = "    host: radio-1\n    backup: {directory: /srv/backup, at: '02:00'}"
KEEPS_DATA = add("apps/personnel.yaml", "database: {per: unit}\n")
INSTANCES = add("apps/documents.yaml", MAYAN)


def radio(old: str, new: str) -> Edit:
    return swap("units/radio.yaml", old, new)


def press(text: str = "") -> Edit:
    return put("units/press.yaml", PRESS + text)


def backup(directory: str) -> Edit:
    return radio("    host: radio-1\n", BACKUP.replace("/srv/backup", directory) + "\n")


def documents(choice: str) -> Edit:
    """The centre's choice for documents."""
    return add("units/centre.yaml", f"  documents: {choice}\n")


CASES: tuple[Case, ...] = (
    Case(
        "label-of-anothers-id",
        (
            radio("label: tan-so", "label: spectrum"),
            put(
                "units/spectrum.yaml",
                "id: spectrum\nname: {vi: P, en: S}\nhome: north\nlabel: pho\n",
            ),
        ),
        (
            'sites/units/radio.yaml:4 label: HN-M038: the label "spectrum" is the id of the unit spectrum → choose a label that no unit has or had',
        ),
    ),
    Case(
        "label-that-another-had",
        (
            add("units/centre.yaml", "former_labels: [tan-so-cu]\n"),
            radio("label: tan-so", "label: tan-so-cu"),
        ),
        (
            'sites/units/centre.yaml:7 former_labels[0]: HN-M038: the label "tan-so-cu" is the label of the unit radio → choose a label that no unit has or had',
        ),
    ),
    Case(
        "former-label-of-another-now",
        (add("units/centre.yaml", "former_labels: [tan-so]\n"),),
        (
            'sites/units/centre.yaml:7 former_labels[0]: HN-M038: the label "tan-so" is the label of the unit radio → choose a label that no unit has or had',
        ),
    ),
    Case(
        "former-label-of-two-units",
        (
            add("units/centre.yaml", "former_labels: [old]\n"),
            add("units/radio.yaml", "former_labels: [old]\n"),
        ),
        (
            'sites/units/radio.yaml:18 former_labels[0]: HN-M038: the label "old" is a former label of the unit centre → choose a label that no unit has or had',
        ),
    ),
    Case(
        "former-label-is-anothers-id",
        (add("units/centre.yaml", "former_labels: [radio]\n"),),
        (
            'sites/units/centre.yaml:7 former_labels[0]: HN-M038: the label "radio" is the id of the unit radio → choose a label that no unit has or had',
        ),
    ),
    Case(
        "former-label-is-the-present-one",
        (add("units/radio.yaml", "former_labels: [tan-so]\n"),),
        (
            'sites/units/radio.yaml:18 former_labels[0]: HN-M039: "tan-so" is what the unit is called now → take it out of former_labels, or change the label',
        ),
    ),
    Case(
        "former-label-is-the-id-it-is-called-by",
        (add("units/centre.yaml", "former_labels: [centre]\n"),),
        (
            'sites/units/centre.yaml:7 former_labels[0]: HN-M039: "centre" is what the unit is called now → take it out of former_labels, or change the label',
        ),
    ),
    Case(
        "former-label-twice",
        (add("units/radio.yaml", "former_labels: [old, old]\n"),),
        (
            'sites/units/radio.yaml:18 former_labels[1]: HN-M034: "old" is in this list twice → remove one of the two',
        ),
    ),
    Case(
        "application-named-like-the-gateway",
        (put("apps/gateway.yaml", "id: gateway\nname: {vi: C, en: G}\n"),),
        (
            'sites/apps/gateway.yaml:1 id: HN-M082: the host name "gateway" is one of the platform → give the application another id',
        ),
    ),
    Case(
        "label-makes-the-name-of-an-application",
        (put("apps/personnel-tan-so.yaml", "id: personnel-tan-so\nname: {vi: C, en: P}\n"),),
        (
            'sites/units/radio.yaml:4 label: HN-M082: the host name "personnel-tan-so" is that of the application personnel-tan-so → give the unit another label',
        ),
    ),
    Case(
        "container-network-of-a-unit-in-management",
        (add("units/radio.yaml", "    container_network: 10.77.200.0/24\n"),),
        (
            "sites/units/radio.yaml:18 hosts[0].container_network: HN-M041: 10.77.200.0/24 overlaps 10.77.0.0/16, a management network → choose a network that nothing outside the host uses, such as 172.30.1.0/24",
        ),
    ),
    Case(
        "container-network-of-a-unit-by-default-in-users",
        (
            swap(
                "ministry.yaml", "user_networks: [10.78.0.0/16]", "user_networks: [172.30.0.0/16]"
            ),
            swap("sites/east.yaml", "172.30.2.0/24", "172.29.2.0/24"),
            swap("sites/north.yaml", "172.30.1.0/24", "172.29.1.0/24"),
            swap("sites/west.yaml", "172.30.3.0/24", "172.29.3.0/24"),
        ),
        (
            "sites/units/radio.yaml:13 hosts[0].container_network: HN-M041: 172.30.250.0/24 overlaps 172.30.0.0/16, a user network → choose a network that nothing outside the host uses, such as 172.30.1.0/24",
        ),
    ),
    Case(
        "container-network-of-a-unit-too-small",
        (add("units/radio.yaml", "    container_network: 172.30.250.0/28\n"),),
        (
            "sites/units/radio.yaml:18 hosts[0].container_network: HN-M045: 172.30.250.0/28 has too few addresses for the containers of a host → choose a /26 or larger, such as a /24",
        ),
    ),
    Case(
        "container-network-of-a-unit-over-a-site",
        (
            swap(
                "ministry.yaml",
                "management_networks: [10.77.0.0/16]",
                "management_networks: [10.77.9.0/24]",
            ),
            add("units/radio.yaml", "    container_network: 10.77.1.0/25\n"),
        ),
        (
            "sites/units/radio.yaml:18 hosts[0].container_network: HN-M046: 10.77.1.0/25 overlaps 10.77.1.0/24, the network of the site north → choose a network that nothing outside the host uses",
        ),
    ),
    Case(
        "container-network-over-its-own-host",
        (
            swap(
                "ministry.yaml",
                "management_networks: [10.77.0.0/16]",
                "management_networks: [10.77.1.0/24]",
            ),
            add("units/radio.yaml", "    container_network: 10.77.9.0/24\n"),
        ),
        (
            "sites/units/radio.yaml:18 hosts[0].container_network: HN-M046: 10.77.9.0/24 overlaps 10.77.9.10, the address of radio-1 → choose a network that nothing outside the host uses",
        ),
    ),
    Case(
        "container-network-over-the-units-other-host",
        (
            add(
                "units/radio.yaml",
                "  - {id: radio-2, address: 172.30.250.20, cpus: 2, memory: 4GiB, storage: 50GiB}\n",
            ),
        ),
        (
            "sites/units/radio.yaml:13 hosts[0].container_network: HN-M046: 172.30.250.0/24 overlaps 172.30.250.20, the address of radio-2 → choose a network that nothing outside the host uses",
            "sites/units/radio.yaml:18 hosts[1].container_network: HN-M046: 172.30.250.0/24 overlaps 172.30.250.20, the address of radio-2 → choose a network that nothing outside the host uses",
        ),
    ),
    Case(
        "split-from-nobody",
        (press("split_from: radoi\n"),),
        (
            'sites/units/press.yaml:4 split_from: HN-M050: there is no unit "radoi" → did you mean "radio"? known: centre, press, radio',
        ),
    ),
    Case(
        "split-from-itself",
        (press("split_from: press\n"),),
        (
            "sites/units/press.yaml:4 split_from: HN-M035: the unit is its own predecessor: press <- press → name only units that came before it",
        ),
    ),
    Case(
        "split-and-follow-in-a-circle",
        (press("split_from: radio\n"), add("units/radio.yaml", "split_from: press\n")),
        (
            "sites/units/press.yaml:4 split_from: HN-M035: the unit is its own predecessor: press <- radio <- press → name only units that came before it",
            "sites/units/radio.yaml:18 split_from: HN-M035: the unit is its own predecessor: radio <- press <- radio → name only units that came before it",
        ),
    ),
    Case(
        "predecessors-in-a-circle",
        (
            press("predecessors: [late]\nclosed: 2027-01-01\n"),
            put(
                "units/late.yaml",
                "id: late\nname: {vi: M, en: L}\nhome: north\npredecessors: [press]\nclosed: 2027-01-01\n",
            ),
        ),
        (
            "sites/units/late.yaml:4 predecessors: HN-M035: the unit is its own predecessor: late <- press <- late → name only units that came before it",
            "sites/units/press.yaml:4 predecessors: HN-M035: the unit is its own predecessor: press <- late <- press → name only units that came before it",
        ),
    ),
    Case(
        "predecessor-named-twice",
        (press("closed: 2027-01-01\n"), add("units/centre.yaml", "predecessors: [press, press]\n")),
        (
            'sites/units/centre.yaml:7 predecessors[1]: HN-M034: "press" is in this list twice → remove one of the two',
        ),
    ),
    Case(
        "two-heirs",
        (
            press("closed: 2027-01-01\n"),
            add("units/centre.yaml", "predecessors: [press]\n"),
            add("units/radio.yaml", "predecessors: [press]\n"),
        ),
        (
            'sites/units/radio.yaml:18 predecessors[0]: HN-M100: "press" is a predecessor of centre already → keep it with the unit that took over its data; the other says split_from',
        ),
    ),
    Case(
        "records-of-a-stranger",
        (add("units/centre.yaml", "records: {radio: {personnel: {carry: [lan]}}}\n"),),
        (
            'sites/units/centre.yaml:7 records.radio: HN-M120: records are to come from "radio", which centre did not come from → name the unit in predecessors or split_from, or take its records out',
        ),
    ),
    Case(
        "a-part-of-a-predecessor",
        (
            press("closed: 2027-01-01\n"),
            add(
                "units/centre.yaml",
                "predecessors: [press]\nrecords:\n  press:\n    personnel: {carry: [lan, binh, lan], same: ['x:1', 'x:1']}\n",
            ),
        ),
        (
            "sites/units/centre.yaml:10 records.press.personnel.carry: HN-M121: press is closed, and only a selection of its records would come → write carry: everything",
            'sites/units/centre.yaml:10 records.press.personnel.carry[2]: HN-M034: "lan" is in this list twice → remove one of the two',
            'sites/units/centre.yaml:10 records.press.personnel.same[1]: HN-M034: "x:1" is in this list twice → remove one of the two',
        ),
    ),
    Case(
        "everything-of-a-unit-that-stays",
        (
            add(
                "units/centre.yaml",
                "split_from: radio\nrecords: {radio: {personnel: {carry: everything}}}\n",
            ),
        ),
        (
            "sites/units/centre.yaml:8 records.radio.personnel.carry: HN-M121: radio goes on, and everything of it would come into centre too → list the logins or identifiers of those who come, or close the unit into this",
        ),
    ),
    Case(
        "records-that-cannot-be-carried",
        (
            add(
                "units/centre.yaml",
                "split_from: radio\nrecords: {radio: {documents: {carry: [lan]}}}\n",
            ),
        ),
        (
            "sites/units/centre.yaml:8 records.radio.documents: HN-M122: records of documents cannot be carried from one unit to another → take the entry out; docs/moves.md says what is left to administrators",
        ),
    ),
    Case(
        "records-into-nothing",
        (press("split_from: centre\nrecords: {centre: {personnel: {carry: [lan]}}}\n"),),
        (
            "sites/units/press.yaml:5 records.centre.personnel: HN-M122: records of personnel would come into press, for which the toolkit runs none → choose personnel for press as central or self-hosted, or take the entry out",
        ),
    ),
    Case(
        "records-carried-by-a-word",
        (
            add(
                "units/centre.yaml",
                "split_from: radio\nrecords: {radio: {personnel: {carry: all}}}\n",
            ),
        ),
        (
            'sites/units/centre.yaml:8 records.radio.personnel.carry: HN-M023: "all" is not one of the choices → choose everything',
        ),
    ),
    Case(
        "split-from-a-predecessor",
        (
            press("closed: 2027-01-01\n"),
            add("units/centre.yaml", "predecessors: [press]\nsplit_from: press\n"),
        ),
        (
            'sites/units/centre.yaml:8 split_from: HN-M103: "press" is a predecessor, and the unit split off from it too → keep split_from if it stayed open then, else keep it in predecessors',
        ),
    ),
    Case(
        "closed-with-operators",
        (press("closed: 2027-01-01\noperators: [{id: binh, name: Bình}]\n"),),
        (
            "sites/units/press.yaml:5 operators: HN-M101: the unit closed on 2027-01-01 and still has operators → name them at the unit that followed, if they work there, and remove them here",
        ),
    ),
    Case(
        "heir-that-had-ended",
        (
            press("closed: 2027-06-01\n"),
            put(
                "units/late.yaml",
                "id: late\nname: {vi: M, en: L}\nhome: north\npredecessors: [press]\nclosed: 2027-01-01\n",
            ),
        ),
        (
            "sites/units/late.yaml:4 predecessors[0]: HN-M102: press closed on 2027-06-01, when late had been closed on 2027-01-01 → correct a date, or name the unit that was there",
        ),
    ),
    Case(
        "closed-owner-of-a-wave",
        (
            press("closed: 2027-01-01\n"),
            swap(
                "roadmap.yaml",
                "owner: centre\n    starts: 2027-04-01",
                "owner: press\n    starts: 2027-04-01",
            ),
        ),
        (
            "sites/roadmap.yaml:11 waves[1].owner: HN-M104: the unit press closed on 2027-01-01; the wave starts on 2027-04-01 → name the unit that followed it, or another owner",
        ),
    ),
    Case(
        "self-hosts-without-backup",
        (KEEPS_DATA,),
        (
            "sites/units/radio.yaml:6 applications.personnel: HN-M110: personnel keeps data on the unit's own host, and no backup is stated → add backup: with directory: to a store of its own on that host",
        ),
    ),
    Case(
        "backup-in-the-systems-settings",
        (backup("/etc/backup"),),
        (
            "sites/units/radio.yaml:9 applications.personnel.backup.directory: HN-M111: /etc/backup is in /etc, which the system or the toolkit manages → name the directory of a store mounted for copies, such as /srv/backup",
        ),
    ),
    Case(
        "backup-in-the-toolkits-settings",
        (backup("/etc/hanoi/backup"),),
        (
            "sites/units/radio.yaml:9 applications.personnel.backup.directory: HN-M111: /etc/hanoi/backup is in /etc, which the system or the toolkit manages → name the directory of a store mounted for copies, such as /srv/backup",
        ),
    ),
    Case(
        "backup-in-the-engines-data",
        (backup("/var/lib/docker/volumes/backup"),),
        (
            "sites/units/radio.yaml:9 applications.personnel.backup.directory: HN-M111: /var/lib/docker/volumes/backup is in /var/lib, which the system or the toolkit manages → name the directory of a store mounted for copies, such as /srv/backup",
        ),
    ),
    Case(
        "backup-that-a-start-removes",
        (backup("/tmp/backup"),),
        (
            "sites/units/radio.yaml:9 applications.personnel.backup.directory: HN-M111: /tmp/backup is in /tmp, which the system or the toolkit manages → name the directory of a store mounted for copies, such as /srv/backup",
        ),
    ),
    Case(
        "backup-at-the-top",
        (backup("/backup"),),
        (
            'sites/units/radio.yaml:9 applications.personnel.backup.directory: HN-M023: "/backup" is not accepted → write an absolute path of two to eight parts, such as /srv/backup',
        ),
    ),
    Case(
        "backup-that-climbs",
        (backup("/srv/../etc"),),
        (
            'sites/units/radio.yaml:9 applications.personnel.backup.directory: HN-M023: "/srv/../etc" is not accepted → write an absolute path of two to eight parts, such as /srv/backup',
        ),
    ),
    Case(
        "backup-at-no-time",
        (radio("    host: radio-1\n", BACKUP.replace("02:00", "24:00") + "\n"),),
        (
            'sites/units/radio.yaml:9 applications.personnel.backup.at: HN-M023: "24:00" is not accepted → write a time of day from "00:00" to "23:59", such as "01:30"',
        ),
    ),
    Case(
        "backup-of-nothing-kept",
        (radio("    host: radio-1\n", BACKUP.replace("}", ", keep: 0}") + "\n"),),
        (
            "sites/units/radio.yaml:9 applications.personnel.backup.keep: HN-M024: 0 is too small → write 1 or more",
        ),
    ),
    Case(
        "two-backups-on-one-host",
        (
            backup("/srv/backup"),
            radio(
                "    mode: external\n    endpoint: https://vanban.radio.example/\n",
                "    mode: self-hosted\n    host: radio-1\n    backup: {directory: /srv/backup, at: '03:00'}\n",
            ),
        ),
        (
            "sites/units/radio.yaml:13 applications.documents.backup: HN-M112: personnel, on the same host radio-1, states another backup → state the same directory, at and keep for both: a host has one database",
        ),
    ),
    Case(
        "self-hosts-without-saying-where",
        (radio("    host: radio-1\n", ""),),
        (
            'sites/units/radio.yaml:6 applications.personnel.host: HN-M021: the key "host" is missing → add host: the id of one of the unit\'s hosts',
        ),
    ),
    Case(
        "self-hosts-at-a-sites-host",
        (radio("    host: radio-1\n", "    host: east-1\n"),),
        (
            'sites/units/radio.yaml:8 applications.personnel.host: HN-M052: the host "east-1" belongs to east, not to this unit → describe it below hosts:, or choose mode: central',
        ),
    ),
    Case(
        "central-with-a-backup",
        (
            swap(
                "units/centre.yaml",
                "    mode: central\n",
                "    mode: central\n    backup: {directory: /srv/backup}\n",
            ),
        ),
        (
            'sites/units/centre.yaml:7 applications.personnel.backup: HN-M020: the key "backup" is not known here → remove it; known keys: host, mode',
        ),
    ),
    Case(
        "central-on-an-unknown-host",
        (INSTANCES, documents("{mode: central, host: north-2}")),
        (
            'sites/units/centre.yaml:7 applications.documents.host: HN-M113: no site has a host "north-2" → did you mean "north-1"? known: east-1, north-1, west-1',
        ),
    ),
    Case(
        "central-on-its-own-host",
        (
            INSTANCES,
            radio(
                "    mode: external\n    endpoint: https://vanban.radio.example/\n",
                "    mode: central\n    host: radio-1\n",
            ),
        ),
        (
            'sites/units/radio.yaml:11 applications.documents.host: HN-M113: the host "radio-1" belongs to the unit radio → choose mode: self-hosted, or name a host of a site',
        ),
    ),
    Case(
        "central-on-another-units-host",
        (INSTANCES, documents("{mode: central, host: radio-1}")),
        (
            'sites/units/centre.yaml:7 applications.documents.host: HN-M113: the host "radio-1" belongs to the unit radio → known: east-1, north-1, west-1',
        ),
    ),
    Case(
        "central-on-a-host-without-the-role",
        (
            INSTANCES,
            swap("sites/west.yaml", "gateway, applications]", "gateway]"),
            documents("{mode: central, host: west-1}"),
        ),
        (
            'sites/units/centre.yaml:7 applications.documents.host: HN-M113: the host "west-1" does not have the role applications → add it to the host\'s roles, or name another; did you mean "east-1"? known: east-1, north-1',
        ),
    ),
    Case(
        "central-host-of-a-shared-instance",
        (
            swap(
                "units/centre.yaml", "    mode: central\n", "    mode: central\n    host: north-1\n"
            ),
        ),
        (
            "sites/units/centre.yaml:7 applications.personnel.host: HN-M114: one instance of personnel at each site serves all units; none is this unit's own → remove host:",
        ),
    ),
    Case(
        "central-without-a-place-at-home",
        (
            INSTANCES,
            swap("sites/east.yaml", "gateway, applications]", "gateway]"),
            radio(
                "    mode: external\n    endpoint: https://vanban.radio.example/\n",
                "    mode: central\n",
            ),
        ),
        (
            "sites/units/radio.yaml:9 applications.documents: HN-M115: no host of the home site east runs applications, so documents has no place → add host: with one of north-1, west-1",
        ),
    ),
    Case(
        "central-without-room-and-room-elsewhere",
        (
            INSTANCES,
            documents("{mode: central}"),
            swap("sites/north.yaml", "memory: 8GiB", "memory: 3GiB"),
            swap("sites/west.yaml", "memory: 8GiB", "memory: 3GiB"),
        ),
        (
            "sites/sites/north.yaml:10 hosts[0].memory: HN-M063: 3584 MiB of memory are needed (database 1024 MiB + documents 2048 MiB + personnel 512 MiB); the host has 3072 MiB → give the host more memory, or move documents of centre (2048 MiB) to east-1 of east, which has 6656 MiB left",
        ),
    ),
    Case(
        "central-without-room-anywhere",
        (
            INSTANCES,
            documents("{mode: central}"),
            *(
                swap(f"sites/{site}.yaml", "memory: 8GiB", "memory: 3GiB")
                for site in ("east", "north", "west")
            ),
        ),
        (
            "sites/sites/north.yaml:10 hosts[0].memory: HN-M063: 3584 MiB of memory are needed (database 1024 MiB + documents 2048 MiB + personnel 512 MiB); the host has 3072 MiB → give the host more memory, or place less on it; no other host has room for documents of centre: east-1 of east 1536 MiB, west-1 of west 1536 MiB left",
        ),
    ),
    Case(
        "central-without-cpus",
        (
            INSTANCES,
            swap("apps/documents.yaml", "cpus: 0.5", "cpus: 3.5"),
            documents("{mode: central}"),
            swap("sites/north.yaml", "cpus: 4", "cpus: 3"),
        ),
        (
            "sites/sites/north.yaml:9 hosts[0].cpus: HN-M064: 4 cpus are needed; the host has 3 → give the host more cpus, or move documents of centre (3.5 cpus) to east-1 of east, which has 3.5 cpus left",
        ),
    ),
    Case(
        "self-hosted-without-room-and-another-host",
        (
            radio("memory: 4GiB", "memory: 256MiB"),
            add(
                "units/radio.yaml",
                "  - {id: radio-2, address: 10.77.9.11, cpus: 2, memory: 4GiB, storage: 50GiB}\n",
            ),
        ),
        (
            "sites/units/radio.yaml:16 hosts[0].memory: HN-M063: 512 MiB of memory are needed (personnel 512 MiB); the host has 256 MiB → give the host more memory, or move personnel of radio (512 MiB) to radio-2 of radio, which has 4096 MiB left",
        ),
    ),
    Case(
        "a-mode-for-the-platform",
        (
            put("apps/sharing.yaml", "id: sharing\nname: {vi: N, en: S}\n"),
            add("units/centre.yaml", "  sharing: {mode: central}\n"),
        ),
        (
            "sites/units/centre.yaml:7 applications.sharing: HN-M116: sharing is a part of the platform; units do not choose a mode for it → remove it",
        ),
    ),
    Case(
        "one-system-of-two-units",
        (documents('{mode: external, endpoint: "https://vanban.radio.example"}'),),
        (
            "sites/units/radio.yaml:11 applications.documents.endpoint: HN-M117: https://vanban.radio.example/ is the system of the unit centre too → name each unit's own address, such as one path for each",
        ),
    ),
    Case(
        "external-at-our-own-gateway",
        (radio("https://vanban.radio.example/", "https://10.77.1.10/"),),
        (
            "sites/units/radio.yaml:11 applications.documents.endpoint: HN-M054: the endpoint 10.77.1.10 is the address of north-1, a host of ours → name the unit's own address, or choose mode: central",
        ),
    ),
    Case(
        "external-without-an-address",
        (radio("    endpoint: https://vanban.radio.example/\n", ""),),
        (
            'sites/units/radio.yaml:9 applications.documents.endpoint: HN-M021: the key "endpoint" is missing → add endpoint: https://vanban.example.vn/',
        ),
    ),
    Case(
        "external-without-encryption",
        (radio("https://vanban.radio.example/", "http://vanban.radio.example/"),),
        (
            'sites/units/radio.yaml:11 applications.documents.endpoint: HN-M023: "http://vanban.radio.example/" is not accepted → write an https address, such as https://vanban.example.vn/',
        ),
    ),
    Case(
        "a-mode-that-is-none",
        (radio("mode: external", "mode: shared"),),
        (
            'sites/units/radio.yaml:10 applications.documents.mode: HN-M023: "shared" is not one of the choices → choose central, self-hosted or external',
        ),
    ),
)
