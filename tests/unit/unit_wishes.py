"""What is asked of `hanoi unit`: wishes that are refused, and those that are written."""

from __future__ import annotations

from dataclasses import dataclass

from bad_inputs.harness import Edit, add, swap
from bad_inputs.units import BACKUP, INSTANCES, KEEPS_DATA, documents, press

NAMES = ("--name-vi", "Vụ Mới", "--name-en", "New Department")
CENTRAL = "applications:\n  personnel:\n    mode: central\n"
OPERATOR = "operators: [{id: binh, name: Bình}]\n"
IN_WAVE = swap("roadmap.yaml", "units: [centre]", "units: [centre, press]")
BRINGS_DOCUMENTS = add("roadmap.yaml", "      - app: documents\n")
OWNS_HOST = """\
hosts:
  - {id: press-1, address: 10.77.9.30, cpus: 2, memory: 4GiB, storage: 50GiB}
  - {id: press-2, address: 10.77.9.31, cpus: 2, memory: 4GiB, storage: 50GiB}
"""


@dataclass(frozen=True)
class Refused:
    """A command on the base model with edits, its exit code and all that it says."""

    name: str
    edits: tuple[Edit, ...]
    command: str
    exit: int
    said: tuple[str, ...]


@dataclass(frozen=True)
class Written:
    """A command, the difference that it makes, and what it says to know or to follow."""

    name: str
    edits: tuple[Edit, ...]
    command: str
    difference: str
    said: tuple[str, ...] = ()


REFUSED: tuple[Refused, ...] = (
    Refused(
        "set-mode-of-nobody",
        (),
        "set-mode raido personnel central",
        2,
        ('sites/units: HN-U001: there is no unit "raido" → did you mean radio?',),
    ),
    Refused(
        "set-mode-of-nobody-like-it",
        (),
        "set-mode zzzz personnel central",
        2,
        ('sites/units: HN-U001: there is no unit "zzzz" → `hanoi unit list` names them all',),
    ),
    Refused(
        "set-mode-of-a-closed-unit",
        (press("closed: 2027-01-01\n"), add("units/centre.yaml", "predecessors: [press]\n")),
        "set-mode press personnel central",
        4,
        (
            "sites/units/press.yaml:4 closed: HN-U002: the unit press closed on 2027-01-01 → name the unit that followed it: centre",
        ),
    ),
    Refused(
        "set-mode-of-an-unknown-application",
        (),
        "set-mode centre document central",
        1,
        (
            'sites/units/centre.yaml:7 applications.document: HN-M050: there is no application "document" → did you mean "documents"? known: documents, personnel',
            "sites: HN-U010: the description would be refused, so nothing was written; the lines named above are those that its files would have → correct the wish, or what stands in its way",
        ),
    ),
    Refused(
        "self-host-without-any-host",
        (),
        "set-mode centre personnel self-hosted",
        4,
        (
            "sites/units/centre.yaml:1 hosts: HN-U006: the unit centre has no host of its own to run personnel on → describe one below hosts: in units/centre.yaml, or choose central",
        ),
    ),
    Refused(
        "self-host-and-which-of-two",
        (press(CENTRAL + OWNS_HOST),),
        "set-mode press personnel self-hosted",
        4,
        (
            "sites/units/press.yaml:7 hosts: HN-U006: the unit press has several hosts, and none was named → add --host with one of: press-1, press-2",
        ),
    ),
    Refused(
        "self-host-on-an-unknown-host",
        (),
        "set-mode centre personnel self-hosted --host centre-1",
        1,
        (
            'sites/units/centre.yaml:7 applications.personnel.host: HN-M052: the unit has no host "centre-1" → describe it below hosts:, or choose mode: central',
            "sites: HN-U010: the description would be refused, so nothing was written; the lines named above are those that its files would have → correct the wish, or what stands in its way",
        ),
    ),
    Refused(
        "self-host-on-anothers-host",
        (),
        "set-mode centre personnel self-hosted --host radio-1",
        1,
        (
            'sites/units/centre.yaml:7 applications.personnel.host: HN-M052: the host "radio-1" belongs to radio, not to this unit → describe it below hosts:, or choose mode: central',
            "sites: HN-U010: the description would be refused, so nothing was written; the lines named above are those that its files would have → correct the wish, or what stands in its way",
        ),
    ),
    Refused(
        "self-host-without-a-backup",
        (
            KEEPS_DATA,
            swap(
                "units/radio.yaml",
                "    mode: self-hosted\n    host: radio-1\n",
                "    mode: central\n",
            ),
        ),
        "set-mode radio personnel self-hosted",
        1,
        (
            "sites/units/radio.yaml:6 applications.personnel: HN-M110: personnel keeps data on the unit's own host, and no backup is stated → add backup: with directory: to a store of its own on that host",
            "sites: HN-U010: the description would be refused, so nothing was written; the lines named above are those that its files would have → correct the wish, or what stands in its way",
        ),
    ),
    Refused(
        "self-host-with-a-backup-in-etc",
        (),
        "set-mode radio personnel self-hosted --backup /etc/hanoi",
        1,
        (
            "sites/units/radio.yaml:10 applications.personnel.backup.directory: HN-M111: /etc/hanoi is in /etc, which the system or the toolkit manages → name the directory of a store mounted for copies, such as /srv/backup",
            "sites: HN-U010: the description would be refused, so nothing was written; the lines named above are those that its files would have → correct the wish, or what stands in its way",
        ),
    ),
    Refused(
        "self-host-with-a-backup-at-no-time",
        (),
        "set-mode radio personnel self-hosted --backup /srv/backup --at 25:00",
        1,
        (
            'sites/units/radio.yaml:11 applications.personnel.backup.at: HN-M023: "25:00" is not accepted → write a time of day from "00:00" to "23:59", such as "01:30"',
            "sites: HN-U010: the description would be refused, so nothing was written; the lines named above are those that its files would have → correct the wish, or what stands in its way",
        ),
    ),
    Refused(
        "a-time-for-no-backup",
        (),
        "set-mode radio personnel self-hosted --at 02:00",
        4,
        (
            "sites/units/radio.yaml:6 applications.personnel: HN-U005: --at and --keep say when and how many, and nothing says where → add --backup DIR, a directory of the unit's host",
        ),
    ),
    Refused(
        "self-host-beyond-memory",
        (INSTANCES, swap("units/radio.yaml", "memory: 4GiB", "memory: 1GiB")),
        "set-mode radio documents self-hosted --backup /srv/backup",
        1,
        (
            "sites/units/radio.yaml:18 hosts[0].memory: HN-M063: 2560 MiB of memory are needed (documents 2048 MiB + personnel 512 MiB); the host has 1024 MiB → give the host more memory, or place less on it, such as documents with mode: central",
            "sites: HN-U010: the description would be refused, so nothing was written; the lines named above are those that its files would have → correct the wish, or what stands in its way",
        ),
    ),
    Refused(
        "external-without-an-address",
        (),
        "set-mode centre documents external",
        4,
        (
            "sites/units/centre.yaml:4 applications.documents: HN-U005: the address of the unit's own system is missing → add --endpoint URL",
        ),
    ),
    Refused(
        "external-at-our-own-domain",
        (),
        "set-mode centre documents external --endpoint https://documents.mic.example/",
        1,
        (
            "sites/units/centre.yaml:9 applications.documents.endpoint: HN-M054: the endpoint documents.mic.example is in mic.example, which our own gateways serve → name the unit's own address, or choose mode: central",
            "sites: HN-U010: the description would be refused, so nothing was written; the lines named above are those that its files would have → correct the wish, or what stands in its way",
        ),
    ),
    Refused(
        "external-at-anothers-system",
        (),
        "set-mode centre documents external --endpoint https://vanban.radio.example/",
        1,
        (
            "sites/units/radio.yaml:11 applications.documents.endpoint: HN-M117: https://vanban.radio.example/ is the system of the unit centre too → name each unit's own address, such as one path for each",
            "sites: HN-U010: the description would be refused, so nothing was written; the lines named above are those that its files would have → correct the wish, or what stands in its way",
        ),
    ),
    Refused(
        "external-with-a-host",
        (),
        "set-mode radio documents external --endpoint https://x.example/ --host radio-1",
        4,
        (
            "sites/units/radio.yaml:9 applications.documents: HN-U005: --host means nothing where an application is external → leave --host out, or choose another mode",
        ),
    ),
    Refused(
        "central-with-a-backup",
        (),
        "set-mode radio personnel central --backup /srv/backup",
        4,
        (
            "sites/units/radio.yaml:6 applications.personnel: HN-U005: --backup means nothing where an application is central → leave --backup out, or choose another mode",
        ),
    ),
    Refused(
        "central-with-an-address",
        (),
        "set-mode radio personnel central --endpoint https://x.example/",
        4,
        (
            "sites/units/radio.yaml:6 applications.personnel: HN-U005: --endpoint means nothing where an application is central → leave --endpoint out, or choose another mode",
        ),
    ),
    Refused(
        "central-on-a-host-for-all",
        (),
        "set-mode centre personnel central --host north-1",
        1,
        (
            "sites/units/centre.yaml:7 applications.personnel.host: HN-M114: one instance of personnel at each site serves all units; none is this unit's own → remove host:",
            "sites: HN-U010: the description would be refused, so nothing was written; the lines named above are those that its files would have → correct the wish, or what stands in its way",
        ),
    ),
    Refused(
        "central-on-an-unknown-host",
        (INSTANCES,),
        "set-mode centre documents central --host north-9",
        1,
        (
            'sites/units/centre.yaml:9 applications.documents.host: HN-M113: no site has a host "north-9" → did you mean "north-1"? known: east-1, north-1, west-1',
            "sites: HN-U010: the description would be refused, so nothing was written; the lines named above are those that its files would have → correct the wish, or what stands in its way",
        ),
    ),
    Refused(
        "central-on-its-own-host",
        (INSTANCES,),
        "set-mode radio documents central --host radio-1",
        1,
        (
            'sites/units/radio.yaml:11 applications.documents.host: HN-M113: the host "radio-1" belongs to the unit radio → choose mode: self-hosted, or name a host of a site',
            "sites: HN-U010: the description would be refused, so nothing was written; the lines named above are those that its files would have → correct the wish, or what stands in its way",
        ),
    ),
    Refused(
        "central-without-room",
        (INSTANCES, swap("sites/west.yaml", "memory: 8GiB", "memory: 3GiB")),
        "set-mode centre documents central --host west-1",
        1,
        (
            "sites/sites/west.yaml:10 hosts[0].memory: HN-M063: 3584 MiB of memory are needed (database 1024 MiB + documents 2048 MiB + personnel 512 MiB); the host has 3072 MiB → give the host more memory, or move documents of centre (2048 MiB) to east-1 of east, which has 6656 MiB left",
            "sites: HN-U010: the description would be refused, so nothing was written; the lines named above are those that its files would have → correct the wish, or what stands in its way",
        ),
    ),
    Refused(
        "a-mode-that-is-none",
        (),
        "set-mode centre personnel shared",
        2,
        (
            "Error: Invalid value for '{central|self-hosted|external}': 'shared' is not one of 'central', 'self-hosted', 'external'.",
        ),
    ),
    Refused(
        "add-with-a-taken-id",
        (),
        "add radio --name-vi A --name-en A --home north",
        4,
        (
            'sites/units/radio.yaml:1 id: HN-U003: the id "radio" is taken → choose another id; ids of closed units are not used again',
        ),
    ),
    Refused(
        "add-with-a-sites-id",
        (),
        "add west --name-vi A --name-en A --home north",
        1,
        (
            'sites/units/west.yaml:1 id: HN-M030: the id "west" is taken by the site west → give one of them another id',
            "sites: HN-U010: the description would be refused, so nothing was written; the lines named above are those that its files would have → correct the wish, or what stands in its way",
        ),
    ),
    Refused(
        "add-with-an-id-that-is-none",
        (),
        "add ../west --name-vi A --name-en A --home north",
        4,
        (
            'sites/units: HN-U003: "../west" is no id → write 1 to 31 small letters, digits and hyphens, beginning with a letter',
        ),
    ),
    Refused(
        "add-at-an-unknown-site",
        (),
        "add press --name-vi A --name-en A --home noth",
        1,
        (
            'sites/units/press.yaml:5 home: HN-M050: there is no site "noth" → did you mean "north"? known: east, north, west',
            "sites: HN-U010: the description would be refused, so nothing was written; the lines named above are those that its files would have → correct the wish, or what stands in its way",
        ),
    ),
    Refused(
        "add-with-anothers-label",
        (),
        "add press --name-vi A --name-en A --home north --label tan-so",
        1,
        (
            'sites/units/radio.yaml:4 label: HN-M033: the host name "documents-tan-so" would be that of the unit press too → give one of the two units another label',
            "sites: HN-U010: the description would be refused, so nothing was written; the lines named above are those that its files would have → correct the wish, or what stands in its way",
        ),
    ),
    Refused(
        "add-like-nobody",
        (),
        "add press --name-vi A --name-en A --home north --like raido",
        2,
        ('sites/units: HN-U001: there is no unit "raido" → did you mean radio?',),
    ),
    Refused(
        "rename-to-anothers-label",
        (),
        "rename centre --label tan-so",
        1,
        (
            'sites/units/radio.yaml:4 label: HN-M033: the host name "documents-tan-so" would be that of the unit centre too → give one of the two units another label',
            "sites: HN-U010: the description would be refused, so nothing was written; the lines named above are those that its files would have → correct the wish, or what stands in its way",
        ),
    ),
    Refused(
        "rename-to-what-another-was-called",
        (add("units/radio.yaml", "former_labels: [pho]\n"),),
        "rename centre --label pho",
        1,
        (
            'sites/units/radio.yaml:18 former_labels[0]: HN-M038: the label "pho" is the label of the unit centre → choose a label that no unit has or had',
            "sites: HN-U010: the description would be refused, so nothing was written; the lines named above are those that its files would have → correct the wish, or what stands in its way",
        ),
    ),
    Refused(
        "rename-to-anothers-id",
        (),
        "rename centre --label radio",
        1,
        (
            'sites/units/centre.yaml:4 label: HN-M038: the label "radio" is the id of the unit radio → choose a label that no unit has or had',
            "sites: HN-U010: the description would be refused, so nothing was written; the lines named above are those that its files would have → correct the wish, or what stands in its way",
        ),
    ),
    Refused(
        "rename-to-no-label",
        (),
        "rename centre --label Trung_tam",
        1,
        (
            'sites/units/centre.yaml:4 label: HN-M023: "Trung_tam" is not accepted → write a part of a host name: small letters, digits and hyphens',
            "sites: HN-U010: the description would be refused, so nothing was written; the lines named above are those that its files would have → correct the wish, or what stands in its way",
        ),
    ),
    Refused(
        "rename-without-a-name",
        (),
        "rename centre",
        2,
        ("Error: say what changes: --name-vi, --name-en or --label",),
    ),
    Refused(
        "rename-of-a-closed-units-label",
        (press("closed: 2027-01-01\n"),),
        "rename press --label bao-chi",
        4,
        (
            "sites/units/press.yaml:4 closed: HN-U002: the unit press closed on 2027-01-01 → name an open unit",
        ),
    ),
    Refused(
        "move-to-an-unknown-site",
        (),
        "move centre --home nroth",
        1,
        (
            'sites/units/centre.yaml:3 home: HN-M050: there is no site "nroth" → did you mean "north"? known: east, north, west',
            "sites: HN-U010: the description would be refused, so nothing was written; the lines named above are those that its files would have → correct the wish, or what stands in its way",
        ),
    ),
    Refused(
        "move-an-instance-that-is-shared",
        (),
        "move centre --app personnel --host north-1",
        1,
        (
            "sites/units/centre.yaml:7 applications.personnel.host: HN-M114: one instance of personnel at each site serves all units; none is this unit's own → remove host:",
            "sites: HN-U010: the description would be refused, so nothing was written; the lines named above are those that its files would have → correct the wish, or what stands in its way",
        ),
    ),
    Refused(
        "move-what-was-not-chosen",
        (),
        "move centre --app documents --host north-1",
        4,
        (
            'sites/units/centre.yaml:4 applications: HN-U013: the unit centre has made no choice for "documents" → its applications: personnel; `hanoi unit set-mode` adds one',
        ),
    ),
    Refused(
        "move-an-external-system",
        (),
        "move radio --app documents --host radio-1",
        4,
        (
            "sites/units/radio.yaml:9 applications.documents: HN-U013: documents is the unit's own system; the toolkit runs no instance of it → choose first: hanoi unit set-mode radio documents central",
        ),
    ),
    Refused(
        "move-to-a-full-host",
        (
            INSTANCES,
            documents("{mode: central}"),
            swap("sites/west.yaml", "memory: 8GiB", "memory: 3GiB"),
        ),
        "move centre --app documents --host west-1",
        1,
        (
            "sites/sites/west.yaml:10 hosts[0].memory: HN-M063: 3584 MiB of memory are needed (database 1024 MiB + documents 2048 MiB + personnel 512 MiB); the host has 3072 MiB → give the host more memory, or move documents of centre (2048 MiB) to east-1 of east, which has 6656 MiB left",
            "sites: HN-U010: the description would be refused, so nothing was written; the lines named above are those that its files would have → correct the wish, or what stands in its way",
        ),
    ),
    Refused(
        "move-nothing",
        (),
        "move centre",
        2,
        ("Error: say --home SITE, or --app APP with --host HOST",),
    ),
    Refused(
        "merge-into-itself",
        (),
        "merge radio centre radio",
        4,
        (
            "sites/units/radio.yaml:1: HN-U004: the unit radio was to go into itself → name another unit to go into, or leave it out of those that go",
        ),
    ),
    Refused(
        "merge-twice",
        (),
        "merge radio radio centre",
        4,
        ("sites/units/radio.yaml:1: HN-U004: the unit radio is named twice → name each unit once",),
    ),
    Refused(
        "merge-of-nobody",
        (),
        "merge raido centre",
        2,
        ('sites/units: HN-U001: there is no unit "raido" → did you mean radio?',),
    ),
    Refused(
        "merge-into-nobody",
        (),
        "merge radio center",
        2,
        ('sites/units: HN-U001: there is no unit "center" → did you mean centre?',),
    ),
    Refused(
        "merge-of-a-closed-unit",
        (press("closed: 2027-01-01\n"),),
        "merge press centre",
        4,
        (
            "sites/units/press.yaml:4 closed: HN-U002: the unit press closed on 2027-01-01 → name an open unit",
        ),
    ),
    Refused(
        "merge-into-a-closed-unit",
        (press("closed: 2027-01-01\n"),),
        "merge radio press --on 2027-06-01",
        4,
        (
            "sites/units/press.yaml:4 closed: HN-U002: the unit press closed on 2027-01-01 → name an open unit",
        ),
    ),
    Refused(
        "merge-of-one",
        (),
        "merge radio",
        2,
        ("Error: name the units that go, and last the one that they go into",),
    ),
    Refused(
        "merge-into-a-new-one-that-is-there",
        (),
        "merge radio centre --new --name-vi A --name-en A",
        4,
        (
            'sites/units/centre.yaml:1 id: HN-U003: the id "centre" is taken → choose another id; ids of closed units are not used again',
        ),
    ),
    Refused(
        "merge-into-a-new-one-without-a-name",
        (),
        "merge radio centre press --new",
        2,
        ("Error: a new unit needs --name-vi and --name-en",),
    ),
    Refused(
        "merge-where-nobody-chose",
        (
            INSTANCES,
            swap(
                "units/radio.yaml",
                "    mode: external\n    endpoint: https://vanban.radio.example/\n",
                "    mode: self-hosted\n    host: radio-1\n",
            ),
        ),
        "merge radio centre --on 2027-06-01",
        4,
        (
            "sites/units/radio.yaml:9 applications.documents: HN-U008: documents of radio is self-hosted on radio-1, no backup stated, and centre has made no choice for it → choose first: hanoi unit set-mode centre documents ...",
        ),
    ),
    Refused(
        "merge-into-a-new-one-where-nobody-chose",
        (),
        "merge radio centre media --new --name-vi A --name-en A --on 2026-06-01 --home nowhere",
        1,
        (
            'sites/units/media.yaml:5 home: HN-M050: there is no site "nowhere" → known: east, north, west',
            "sites: HN-U010: the description would be refused, so nothing was written; the lines named above are those that its files would have → correct the wish, or what stands in its way",
        ),
    ),
    Refused(
        "merge-on-no-day",
        (),
        "merge radio centre --on 2027-02-30",
        2,
        ("Error: Invalid value for '--on': '2027-02-30' does not match the format '%Y-%m-%d'.",),
    ),
    Refused(
        "merge-that-ends-its-own-predecessor",
        (
            press("predecessors: [radio]\n"),
            swap(
                "units/radio.yaml",
                "applications:\n  personnel:\n    mode: self-hosted\n    host: radio-1\n  documents:\n    mode: external\n    endpoint: https://vanban.radio.example/\n",
                "closed: 2027-01-01\n",
            ),
        ),
        "merge press radio --on 2027-06-01",
        4,
        (
            "sites/units/radio.yaml:5 closed: HN-U002: the unit radio closed on 2027-01-01 → name the unit that followed it: press",
        ),
    ),
    Refused(
        "split-of-nobody",
        (),
        "split raido press --name-vi A --name-en A",
        2,
        ('sites/units: HN-U001: there is no unit "raido" → did you mean radio?',),
    ),
    Refused(
        "split-into-one-that-is-there",
        (),
        "split centre radio --name-vi A --name-en A",
        4,
        (
            'sites/units/radio.yaml:1 id: HN-U003: the id "radio" is taken → choose another id; ids of closed units are not used again',
        ),
    ),
    Refused(
        "split-of-what-was-not-chosen",
        (),
        "split centre press --name-vi A --name-en A --applications documents",
        4,
        (
            'sites/units/centre.yaml:4 applications: HN-U013: the unit centre has made no choice for "documents" → its applications: personnel; `hanoi unit set-mode` adds one',
        ),
    ),
    Refused(
        "split-of-what-is-self-hosted",
        (),
        "split radio press --name-vi A --name-en A --applications personnel",
        4,
        (
            "sites/units/radio.yaml:6 applications.personnel: HN-U014: personnel of radio is self-hosted on radio-1, no backup stated; a new unit cannot share it → leave personnel out, and choose afterwards: hanoi unit set-mode press personnel ...",
        ),
    ),
    Refused(
        "split-with-records-of-nothing",
        (),
        "split centre press --name-vi A --name-en A --carry lan",
        4,
        (
            "sites/units/centre.yaml:4 applications: HN-U016: records were to come from centre to press, which has no application that can carry any → name one with --applications, or leave --carry out; docs/units.md says which can",
        ),
    ),
    Refused(
        "split-with-the-same-label",
        (),
        "split radio press --name-vi A --name-en A --label tan-so",
        1,
        (
            'sites/units/radio.yaml:4 label: HN-M033: the host name "documents-tan-so" would be that of the unit press too → give one of the two units another label',
            "sites: HN-U010: the description would be refused, so nothing was written; the lines named above are those that its files would have → correct the wish, or what stands in its way",
        ),
    ),
    Refused(
        "close-and-leave-data",
        (),
        "close centre --on 2027-06-01",
        4,
        (
            "sites/units/centre.yaml:5 applications.personnel: HN-U007: the toolkit runs personnel for centre; its data would belong to nobody → name the unit that takes it over with --into UNIT, or say --without-successor",
        ),
    ),
    Refused(
        "close-into-itself",
        (),
        "close centre --on 2027-06-01 --into centre",
        4,
        (
            "sites/units/centre.yaml:1: HN-U004: the unit centre was to go into itself → name another unit to go into, or leave it out of those that go",
        ),
    ),
    Refused(
        "close-into-a-closed-unit",
        (press("closed: 2027-01-01\n"),),
        "close centre --on 2027-06-01 --into press",
        4,
        (
            "sites/units/press.yaml:4 closed: HN-U002: the unit press closed on 2027-01-01 → name an open unit",
        ),
    ),
    Refused(
        "close-into-one-and-nobody",
        (),
        "close centre --on 2027-06-01 --into radio --without-successor",
        4,
        (
            "sites/units/centre.yaml:1: HN-U007: the unit centre was to go into radio, and to have no successor → leave one of --into and --without-successor out",
        ),
    ),
    Refused(
        "close-a-closed-unit",
        (press("closed: 2027-01-01\n"),),
        "close press --on 2027-06-01 --without-successor",
        4,
        (
            "sites/units/press.yaml:4 closed: HN-U002: the unit press closed on 2027-01-01 → name an open unit",
        ),
    ),
    Refused(
        "close-the-owner-of-waves",
        (),
        "close centre --on 2026-12-01 --without-successor",
        1,
        (
            "sites/roadmap.yaml:5 waves[0].owner: HN-M104: the unit centre closed on 2026-12-01; the wave starts on 2027-01-04 → name the unit that followed it, or another owner",
            "sites/roadmap.yaml:11 waves[1].owner: HN-M104: the unit centre closed on 2026-12-01; the wave starts on 2027-04-01 → name the unit that followed it, or another owner",
            "sites: HN-U010: the description would be refused, so nothing was written; the lines named above are those that its files would have → correct the wish, or what stands in its way",
        ),
    ),
    Refused(
        "close-on-no-day",
        (),
        "close centre --without-successor",
        2,
        ("Error: say on which day it closes: --on DATE",),
    ),
)

WRITTEN: tuple[Written, ...] = (
    Written(
        "to-central",
        (),
        "set-mode radio personnel central",
        """\
--- a/sites/units/radio.yaml
+++ b/sites/units/radio.yaml
@@ -4,8 +4,7 @@
 label: tan-so
 applications:
   personnel:
-    mode: self-hosted
-    host: radio-1
+    mode: central
   documents:
     mode: external
     endpoint: https://vanban.radio.example/
""",
        (
            "choice  personnel of radio: self-hosted on radio-1, no backup stated → central",
            "later   personnel of radio: no wave brings it to the unit",
        ),
    ),
    Written(
        "to-central-at-another-site",
        (INSTANCES,),
        "set-mode radio documents central --host west-1",
        """\
--- a/sites/units/radio.yaml
+++ b/sites/units/radio.yaml
@@ -7,8 +7,8 @@
     mode: self-hosted
     host: radio-1
   documents:
-    mode: external
-    endpoint: https://vanban.radio.example/
+    mode: central
+    host: west-1
 hosts:
   - id: radio-1
     address: 10.77.9.10
""",
        (
            "choice  documents of radio: external at https://vanban.radio.example/ → central on west-1",
            "later   documents of radio: no wave brings it to the unit",
        ),
    ),
    Written(
        "to-self-hosted",
        (press(CENTRAL + OWNS_HOST),),
        "set-mode press personnel self-hosted --host press-2 --backup /srv/backup --at 02:00 --keep 30",
        """\
--- a/sites/units/press.yaml
+++ b/sites/units/press.yaml
@@ -3,7 +3,12 @@
 home: north
 applications:
   personnel:
-    mode: central
+    mode: self-hosted
+    host: press-2
+    backup:
+      directory: /srv/backup
+      at: "02:00"
+      keep: 30
 hosts:
   - {id: press-1, address: 10.77.9.30, cpus: 2, memory: 4GiB, storage: 50GiB}
   - {id: press-2, address: 10.77.9.31, cpus: 2, memory: 4GiB, storage: 50GiB}
""",
        (
            "choice  personnel of press: central → self-hosted on press-2, backup daily at 02:00 to /srv/backup, 30 copies",
            "later   personnel of press: no wave brings it to the unit",
        ),
    ),
    Written(
        "another-backup",
        (),
        "set-mode radio personnel self-hosted --backup /srv/backup",
        """\
--- a/sites/units/radio.yaml
+++ b/sites/units/radio.yaml
@@ -6,6 +6,8 @@
   personnel:
     mode: self-hosted
     host: radio-1
+    backup:
+      directory: /srv/backup
   documents:
     mode: external
     endpoint: https://vanban.radio.example/
""",
        (
            "choice  personnel of radio: self-hosted on radio-1, no backup stated → self-hosted on radio-1, backup daily at 01:30 to /srv/backup, 14 copies",
            "later   personnel of radio: no wave brings it to the unit",
        ),
    ),
    Written(
        "another-time",
        (
            swap(
                "units/radio.yaml",
                "    host: radio-1\n",
                "    host: radio-1\n    # The cabinet on floor 2.\n    backup: {directory: /srv/backup}   # mounted\n",
            ),
        ),
        "set-mode radio personnel self-hosted --at 03:00",
        """\
--- a/sites/units/radio.yaml
+++ b/sites/units/radio.yaml
@@ -7,7 +7,7 @@
     mode: self-hosted
     host: radio-1
     # The cabinet on floor 2.
-    backup: {directory: /srv/backup}   # mounted
+    backup: {directory: /srv/backup, at: "03:00"}   # mounted
   documents:
     mode: external
     endpoint: https://vanban.radio.example/
""",
        (
            "choice  personnel of radio: self-hosted on radio-1, backup daily at 01:30 to /srv/backup, 14 copies → self-hosted on radio-1, backup daily at 03:00 to /srv/backup, 14 copies",
            "later   personnel of radio: no wave brings it to the unit",
        ),
    ),
    Written(
        "a-second-one-on-the-host",
        (swap("units/radio.yaml", "    host: radio-1\n", BACKUP + "\n"),),
        "set-mode radio documents self-hosted",
        """\
--- a/sites/units/radio.yaml
+++ b/sites/units/radio.yaml
@@ -8,8 +8,11 @@
     host: radio-1
     backup: {directory: /srv/backup, at: '02:00'}
   documents:
-    mode: external
-    endpoint: https://vanban.radio.example/
+    mode: self-hosted
+    host: radio-1
+    backup:
+      directory: /srv/backup
+      at: "02:00"
 hosts:
   - id: radio-1
     address: 10.77.9.10
""",
        (
            "choice  documents of radio: external at https://vanban.radio.example/ → self-hosted on radio-1, backup daily at 02:00 to /srv/backup, 14 copies",
            "later   documents of radio: nothing runs yet: the toolkit does not deploy this application",
        ),
    ),
    Written(
        "another-time-for-both",
        (
            swap("units/radio.yaml", "    host: radio-1\n", BACKUP + "\n"),
            swap(
                "units/radio.yaml",
                "    mode: external\n    endpoint: https://vanban.radio.example/\n",
                "    mode: self-hosted\n" + BACKUP + "\n",
            ),
        ),
        "set-mode radio documents self-hosted --at 03:00",
        """\
--- a/sites/units/radio.yaml
+++ b/sites/units/radio.yaml
@@ -6,11 +6,11 @@
   personnel:
     mode: self-hosted
     host: radio-1
-    backup: {directory: /srv/backup, at: '02:00'}
+    backup: {directory: /srv/backup, at: '03:00'}
   documents:
     mode: self-hosted
     host: radio-1
-    backup: {directory: /srv/backup, at: '02:00'}
+    backup: {directory: /srv/backup, at: '03:00'}
 hosts:
   - id: radio-1
     address: 10.77.9.10
""",
        (
            "choice  personnel of radio: self-hosted on radio-1, backup daily at 02:00 to /srv/backup, 14 copies → self-hosted on radio-1, backup daily at 03:00 to /srv/backup, 14 copies",
            "later   personnel of radio: no wave brings it to the unit",
            "choice  documents of radio: self-hosted on radio-1, backup daily at 02:00 to /srv/backup, 14 copies → self-hosted on radio-1, backup daily at 03:00 to /srv/backup, 14 copies",
            "later   documents of radio: nothing runs yet: the toolkit does not deploy this application",
            "the backup of personnel is the same now: it is of the host's database",
        ),
    ),
    Written(
        "to-external",
        (),
        "set-mode centre personnel external --endpoint https://canbo.centre.example/",
        """\
--- a/sites/units/centre.yaml
+++ b/sites/units/centre.yaml
@@ -3,4 +3,5 @@
 home: north
 applications:
   personnel:
-    mode: central
+    mode: external
+    endpoint: https://canbo.centre.example/
""",
        (
            "choice  personnel of centre: central → external at https://canbo.centre.example/",
            "data    personnel of centre: it stays where it is until the unit's own system has taken it over",
            "page    personnel-centre.mic.example ends",
        ),
    ),
    Written(
        "a-first-choice",
        (press(),),
        "set-mode press documents central",
        """\
--- a/sites/units/press.yaml
+++ b/sites/units/press.yaml
@@ -1,3 +1,6 @@
 id: press
 name: {vi: Báo chí, en: Press}
 home: north
+applications:
+  documents:
+    mode: central
""",
        (
            "choice  documents of press: none → central",
            "later   documents of press: nothing runs yet: the toolkit does not deploy this application",
        ),
    ),
    Written(
        "add",
        (),
        "add press --name-vi 'Cục Báo chí, Xuất bản' --name-en 'Press: all of it' --home west --label bao-chi",
        """\
--- /dev/null
+++ b/sites/units/press.yaml
@@ -0,0 +1,6 @@
+id: press
+name:
+  vi: Cục Báo chí, Xuất bản
+  en: "Press: all of it"
+home: west
+label: bao-chi
""",
        ("Nothing follows for what runs.",),
    ),
    Written(
        "add-like",
        (),
        "add press --name-vi 'Báo chí' --name-en Press --home west --like centre",
        """\
--- a/sites/roadmap.yaml
+++ b/sites/roadmap.yaml
@@ -13,4 +13,4 @@
     platform: [gateway]
     applications:
       - app: personnel
-        units: [centre]
+        units: [centre, press]
--- /dev/null
+++ b/sites/units/press.yaml
@@ -0,0 +1,8 @@
+id: press
+name:
+  vi: Báo chí
+  en: Press
+home: west
+applications:
+  personnel:
+    mode: central
""",
        (
            "choice   personnel of press: none → central",
            "page     personnel-press.mic.example is new",
        ),
    ),
    Written(
        "add-like-a-unit-with-its-own",
        (),
        "add press --name-vi 'Báo chí' --name-en Press --home west --like radio",
        """\
--- /dev/null
+++ b/sites/units/press.yaml
@@ -0,0 +1,5 @@
+id: press
+name:
+  vi: Báo chí
+  en: Press
+home: west
""",
        (
            "Nothing follows for what runs.",
            "radio runs personnel, documents itself or elsewhere; press has no choice for it yet: `hanoi unit set-mode press APP MODE`",
        ),
    ),
    Written(
        "rename-names",
        (),
        "rename centre --name-vi 'Trung tâm: số'",
        """\
--- a/sites/units/centre.yaml
+++ b/sites/units/centre.yaml
@@ -1,5 +1,5 @@
 id: centre
-name: {vi: Trung tâm, en: Centre}
+name: {vi: "Trung tâm: số", en: Centre}
 home: north
 applications:
   personnel:
""",
        ("Nothing follows for what runs.",),
    ),
    Written(
        "rename-label",
        (),
        "rename radio --label vo-tuyen",
        """\
--- a/sites/units/radio.yaml
+++ b/sites/units/radio.yaml
@@ -1,7 +1,8 @@
 id: radio
 name: {vi: Tần số, en: Radio}
 home: east
-label: tan-so
+label: vo-tuyen
+former_labels: [tan-so]
 applications:
   personnel:
     mode: self-hosted
""",
        ("Nothing follows for what runs.",),
    ),
    Written(
        "rename-the-first-time",
        (),
        "rename centre --label trung-tam",
        """\
--- a/sites/units/centre.yaml
+++ b/sites/units/centre.yaml
@@ -1,6 +1,8 @@
 id: centre
 name: {vi: Trung tâm, en: Centre}
 home: north
+label: trung-tam
+former_labels: [centre]
 applications:
   personnel:
     mode: central
""",
        ("page  personnel-centre.mic.example leads to personnel-trung-tam.mic.example",),
    ),
    Written(
        "rename-again",
        (add("units/radio.yaml", "former_labels: [pho]\n"),),
        "rename radio --label vo-tuyen",
        """\
--- a/sites/units/radio.yaml
+++ b/sites/units/radio.yaml
@@ -1,7 +1,7 @@
 id: radio
 name: {vi: Tần số, en: Radio}
 home: east
-label: tan-so
+label: vo-tuyen
 applications:
   personnel:
     mode: self-hosted
@@ -15,4 +15,4 @@
     cpus: 2
     memory: 4GiB
     storage: 50GiB
-former_labels: [pho]
+former_labels: [pho, tan-so]
""",
        ("Nothing follows for what runs.",),
    ),
    Written(
        "rename-back",
        (add("units/radio.yaml", "former_labels: [pho, radio]\n"),),
        "rename radio --label pho",
        """\
--- a/sites/units/radio.yaml
+++ b/sites/units/radio.yaml
@@ -1,7 +1,7 @@
 id: radio
 name: {vi: Tần số, en: Radio}
 home: east
-label: tan-so
+label: pho
 applications:
   personnel:
     mode: self-hosted
@@ -15,4 +15,4 @@
     cpus: 2
     memory: 4GiB
     storage: 50GiB
-former_labels: [pho, radio]
+former_labels: [radio, tan-so]
""",
        ("Nothing follows for what runs.",),
    ),
    Written(
        "rename-to-the-id",
        (add("units/radio.yaml", "former_labels: [radio]\n"),),
        "rename radio --label radio",
        """\
--- a/sites/units/radio.yaml
+++ b/sites/units/radio.yaml
@@ -1,7 +1,7 @@
 id: radio
 name: {vi: Tần số, en: Radio}
 home: east
-label: tan-so
+former_labels: [tan-so]
 applications:
   personnel:
     mode: self-hosted
@@ -15,4 +15,3 @@
     cpus: 2
     memory: 4GiB
     storage: 50GiB
-former_labels: [radio]
""",
        ("Nothing follows for what runs.",),
    ),
    Written(
        "move-home",
        (),
        "move centre --home west",
        """\
--- a/sites/units/centre.yaml
+++ b/sites/units/centre.yaml
@@ -1,6 +1,6 @@
 id: centre
 name: {vi: Trung tâm, en: Centre}
-home: north
+home: west
 applications:
   personnel:
     mode: central
""",
        ("home  centre: north → west",),
    ),
    Written(
        "move-home-with-instances",
        (INSTANCES, documents("{mode: central}"), BRINGS_DOCUMENTS),
        "move centre --home west",
        """\
--- a/sites/units/centre.yaml
+++ b/sites/units/centre.yaml
@@ -1,6 +1,6 @@
 id: centre
 name: {vi: Trung tâm, en: Centre}
-home: north
+home: west
 applications:
   personnel:
     mode: central
""",
        ("home    centre: north → west", "data    documents of centre has to move: north → west"),
    ),
    Written(
        "move-instance",
        (INSTANCES, documents("{mode: central}"), BRINGS_DOCUMENTS),
        "move centre --app documents --host west-1",
        """\
--- a/sites/units/centre.yaml
+++ b/sites/units/centre.yaml
@@ -4,4 +4,4 @@
 applications:
   personnel:
     mode: central
-  documents: {mode: central}
+  documents: {mode: central, host: west-1}
""",
        (
            "choice  documents of centre: central → central on west-1",
            "data    documents of centre: it has to move: central → central on west-1",
        ),
    ),
    Written(
        "move-between-own-hosts",
        (press(CENTRAL.replace("central", "self-hosted\n    host: press-1") + OWNS_HOST),),
        "move press --app personnel --host press-2",
        """\
--- a/sites/units/press.yaml
+++ b/sites/units/press.yaml
@@ -4,7 +4,7 @@
 applications:
   personnel:
     mode: self-hosted
-    host: press-1
+    host: press-2
 hosts:
   - {id: press-1, address: 10.77.9.30, cpus: 2, memory: 4GiB, storage: 50GiB}
   - {id: press-2, address: 10.77.9.31, cpus: 2, memory: 4GiB, storage: 50GiB}
""",
        (
            "choice  personnel of press: self-hosted on press-1, no backup stated → self-hosted on press-2, no backup stated",
            "later   personnel of press: no wave brings it to the unit",
        ),
    ),
    Written(
        "merge",
        (press(CENTRAL + OPERATOR), IN_WAVE),
        "merge press centre --on 2027-06-01",
        """\
--- a/sites/roadmap.yaml
+++ b/sites/roadmap.yaml
@@ -13,4 +13,4 @@
     platform: [gateway]
     applications:
       - app: personnel
-        units: [centre, press]
+        units: [centre]
--- a/sites/units/centre.yaml
+++ b/sites/units/centre.yaml
@@ -4,3 +4,8 @@
 applications:
   personnel:
     mode: central
+predecessors: [press]
+records:
+  press:
+    personnel:
+      carry: everything
--- a/sites/units/press.yaml
+++ b/sites/units/press.yaml
@@ -1,7 +1,4 @@
 id: press
 name: {vi: Báo chí, en: Press}
 home: north
-applications:
-  personnel:
-    mode: central
-operators: [{id: binh, name: Bình}]
+closed: 2027-06-01
""",
        (
            "choice   personnel of press: central → none",
            "data     personnel of press: it has to go into centre (central)",
            "page     personnel-press.mic.example leads to personnel-centre.mic.example",
            "the operators of press (binh) may deploy nothing any more",
        ),
    ),
    Written(
        "merge-gives-what-is-missing",
        (press(CENTRAL + "  documents: {mode: central}\n"),),
        "merge press centre --on 2027-06-01",
        """\
--- a/sites/units/centre.yaml
+++ b/sites/units/centre.yaml
@@ -4,3 +4,10 @@
 applications:
   personnel:
     mode: central
+  documents:
+    mode: central
+predecessors: [press]
+records:
+  press:
+    personnel:
+      carry: everything
--- a/sites/units/press.yaml
+++ b/sites/units/press.yaml
@@ -1,7 +1,4 @@
 id: press
 name: {vi: Báo chí, en: Press}
 home: north
-applications:
-  personnel:
-    mode: central
-  documents: {mode: central}
+closed: 2027-06-01
""",
        (
            "choice  documents of centre: none → central",
            "later   documents of centre: nothing runs yet: the toolkit does not deploy this application",
            "choice  personnel of press: central → none",
            "choice  documents of press: central → none",
        ),
    ),
    Written(
        "merge-of-different-modes",
        (documents("{mode: central}"),),
        "merge radio centre --on 2027-06-01",
        """\
--- a/sites/units/centre.yaml
+++ b/sites/units/centre.yaml
@@ -5,3 +5,4 @@
   personnel:
     mode: central
   documents: {mode: central}
+predecessors: [radio]
--- a/sites/units/radio.yaml
+++ b/sites/units/radio.yaml
@@ -2,16 +2,10 @@
 name: {vi: Tần số, en: Radio}
 home: east
 label: tan-so
-applications:
-  personnel:
-    mode: self-hosted
-    host: radio-1
-  documents:
-    mode: external
-    endpoint: https://vanban.radio.example/
 hosts:
   - id: radio-1
     address: 10.77.9.10
     cpus: 2
     memory: 4GiB
     storage: 50GiB
+closed: 2027-06-01
""",
        (
            "choice  personnel of radio: self-hosted on radio-1, no backup stated → none",
            "choice  documents of radio: external at https://vanban.radio.example/ → none",
            "personnel: radio has it self-hosted on radio-1, no backup stated; centre keeps it central",
            "documents: radio has it external at https://vanban.radio.example/; centre keeps it central",
            "radio sits at east, centre at north",
            "personnel: what radio has stays on radio-1; to carry it, first make it central (hanoi unit set-mode radio personnel central) and deploy",
            "the hosts of radio (radio-1) stay described, since their data is there; take them out when it has moved",
        ),
    ),
    Written(
        "merge-into-a-new-one",
        (press(CENTRAL), IN_WAVE),
        "merge press centre media --new --name-vi 'Vụ Mới' --name-en New --on 2026-12-31",
        """\
--- a/sites/roadmap.yaml
+++ b/sites/roadmap.yaml
@@ -2,15 +2,15 @@
 waves:
   - id: first
     name: {vi: Một, en: First}
-    owner: centre
+    owner: media
     starts: 2027-01-04
     ends: 2027-03-31
     platform: [infrastructure, database]
   - id: second
     name: {vi: Hai, en: Second}
-    owner: centre
+    owner: media
     starts: 2027-04-01
     platform: [gateway]
     applications:
       - app: personnel
-        units: [centre, press]
+        units: [media]
--- a/sites/units/centre.yaml
+++ b/sites/units/centre.yaml
@@ -1,6 +1,4 @@
 id: centre
 name: {vi: Trung tâm, en: Centre}
 home: north
-applications:
-  personnel:
-    mode: central
+closed: 2026-12-31
--- /dev/null
+++ b/sites/units/media.yaml
@@ -0,0 +1,16 @@
+id: media
+name:
+  vi: Vụ Mới
+  en: New
+home: north
+applications:
+  personnel:
+    mode: central
+predecessors: [press, centre]
+records:
+  press:
+    personnel:
+      carry: everything
+  centre:
+    personnel:
+      carry: everything
--- a/sites/units/press.yaml
+++ b/sites/units/press.yaml
@@ -1,6 +1,4 @@
 id: press
 name: {vi: Báo chí, en: Press}
 home: north
-applications:
-  personnel:
-    mode: central
+closed: 2026-12-31
""",
        (
            "choice   personnel of centre: central → none",
            "data     personnel of centre: it has to go into media (central)",
            "choice   personnel of media: none → central",
            "choice   personnel of press: central → none",
            "data     personnel of press: it has to go into media (central)",
            "page     personnel-centre.mic.example leads to personnel-media.mic.example",
            "page     personnel-media.mic.example is new",
            "page     personnel-press.mic.example leads to personnel-media.mic.example",
        ),
    ),
    Written(
        "split",
        (IN_WAVE, press(CENTRAL)),
        "split centre archive --name-vi 'Lưu trữ' --name-en Archive --applications personnel",
        """\
--- a/sites/roadmap.yaml
+++ b/sites/roadmap.yaml
@@ -13,4 +13,4 @@
     platform: [gateway]
     applications:
       - app: personnel
-        units: [centre, press]
+        units: [centre, press, archive]
--- /dev/null
+++ b/sites/units/archive.yaml
@@ -0,0 +1,9 @@
+id: archive
+name:
+  vi: Lưu trữ
+  en: Archive
+home: north
+applications:
+  personnel:
+    mode: central
+split_from: centre
""",
        (
            "choice   personnel of archive: none → central",
            "page     personnel-archive.mic.example is new",
            "personnel: archive begins empty; which records of centre go to it is for the application's administrators to select",
        ),
    ),
    Written(
        "split-with-records",
        (IN_WAVE, press(CENTRAL)),
        "split centre archive --name-vi 'Lưu trữ' --name-en Archive --applications personnel --carry 'lan, vn_vat:0101234567'",
        """\
--- a/sites/roadmap.yaml
+++ b/sites/roadmap.yaml
@@ -13,4 +13,4 @@
     platform: [gateway]
     applications:
       - app: personnel
-        units: [centre, press]
+        units: [centre, press, archive]
--- /dev/null
+++ b/sites/units/archive.yaml
@@ -0,0 +1,13 @@
+id: archive
+name:
+  vi: Lưu trữ
+  en: Archive
+home: north
+applications:
+  personnel:
+    mode: central
+split_from: centre
+records:
+  centre:
+    personnel:
+      carry: [lan, vn_vat:0101234567]
""",
        (
            "choice   personnel of archive: none → central",
            "page     personnel-archive.mic.example is new",
            "personnel: those who are named come to archive and stay in centre too; its administrators end their employment there",
        ),
    ),
    Written(
        "close-into",
        (press(CENTRAL), IN_WAVE),
        "close press --on 2027-06-01 --into centre",
        """\
--- a/sites/roadmap.yaml
+++ b/sites/roadmap.yaml
@@ -13,4 +13,4 @@
     platform: [gateway]
     applications:
       - app: personnel
-        units: [centre, press]
+        units: [centre]
--- a/sites/units/centre.yaml
+++ b/sites/units/centre.yaml
@@ -4,3 +4,8 @@
 applications:
   personnel:
     mode: central
+predecessors: [press]
+records:
+  press:
+    personnel:
+      carry: everything
--- a/sites/units/press.yaml
+++ b/sites/units/press.yaml
@@ -1,6 +1,4 @@
 id: press
 name: {vi: Báo chí, en: Press}
 home: north
-applications:
-  personnel:
-    mode: central
+closed: 2027-06-01
""",
        (
            "choice   personnel of press: central → none",
            "data     personnel of press: it has to go into centre (central)",
            "page     personnel-press.mic.example leads to personnel-centre.mic.example",
        ),
    ),
    Written(
        "close-without-successor",
        (press(CENTRAL), IN_WAVE),
        "close press --on 2027-06-01 --without-successor",
        """\
--- a/sites/roadmap.yaml
+++ b/sites/roadmap.yaml
@@ -13,4 +13,4 @@
     platform: [gateway]
     applications:
       - app: personnel
-        units: [centre, press]
+        units: [centre]
--- a/sites/units/press.yaml
+++ b/sites/units/press.yaml
@@ -1,6 +1,4 @@
 id: press
 name: {vi: Báo chí, en: Press}
 home: north
-applications:
-  personnel:
-    mode: central
+closed: 2027-06-01
""",
        (
            "choice   personnel of press: central → none",
            "data     personnel of press: it stays where it is, without a user",
            "page     personnel-press.mic.example ends",
            "the data of press (personnel) stays where it is, without a user, until somebody removes it",
        ),
    ),
    Written(
        "close-the-last-of-a-wave",
        (press(CENTRAL), swap("roadmap.yaml", "units: [centre]", "units: [press]")),
        "close press --on 2027-06-01 --without-successor",
        """\
--- a/sites/roadmap.yaml
+++ b/sites/roadmap.yaml
@@ -11,6 +11,3 @@
     owner: centre
     starts: 2027-04-01
     platform: [gateway]
-    applications:
-      - app: personnel
-        units: [press]
--- a/sites/units/press.yaml
+++ b/sites/units/press.yaml
@@ -1,6 +1,4 @@
 id: press
 name: {vi: Báo chí, en: Press}
 home: north
-applications:
-  personnel:
-    mode: central
+closed: 2027-06-01
""",
        (
            "choice   personnel of press: central → none",
            "data     personnel of press: it stays where it is, without a user",
            "page     personnel-press.mic.example ends",
            "the wave second brings personnel to nobody any more",
            "the data of press (personnel) stays where it is, without a user, until somebody removes it",
        ),
    ),
)
