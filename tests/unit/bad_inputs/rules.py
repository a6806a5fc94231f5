"""What breaks a rule between objects. Every message is stated in full; a change of one is a change for operators."""

from __future__ import annotations

from .harness import Case, add, put, swap

CASES = (
    Case(
        "host-id-twice",
        (swap("sites/east.yaml", "id: east-1", "id: north-1"),),
        (
            'sites/sites/north.yaml:7 hosts[0].id: HN-M030: the id "north-1" is taken by a host of east → give one of them another id',
        ),
    ),
    Case(
        "host-named-like-a-unit",
        (swap("sites/east.yaml", "id: east-1", "id: radio"),),
        (
            'sites/sites/east.yaml:7 hosts[0].id: HN-M030: the id "radio" is taken by the unit radio → give one of them another id',
        ),
    ),
    Case(
        "unit-named-like-a-site",
        (put("units/north.yaml", "id: north\nname: {vi: N, en: N}\nhome: north\n"),),
        (
            'sites/units/north.yaml:1 id: HN-M030: the id "north" is taken by the site north → give one of them another id',
        ),
    ),
    Case(
        "address-twice",
        (
            swap(
                "units/radio.yaml",
                "    address: 10.77.9.10",
                "    address: 10.77.1.10\n    site: north",
            ),
        ),
        (
            "sites/units/radio.yaml:14 hosts[0].address: HN-M031: the address 10.77.1.10 is that of the host north-1 → give it its own",
        ),
    ),
    Case(
        "operator-twice",
        (add("units/centre.yaml", "operators: [{id: an, name: An}]\n"),),
        (
            'sites/units/centre.yaml:7 operators[0].id: HN-M032: the id "an" is taken by an operator of mic → give it another id',
        ),
    ),
    Case(
        "label-twice",
        (swap("units/radio.yaml", "label: tan-so", "label: centre"),),
        (
            'sites/units/radio.yaml:4 label: HN-M033: the host name "documents-centre" would be that of the unit centre too → give one of the two units another label',
        ),
    ),
    Case(
        "entry-twice",
        (
            swap(
                "apps/personnel.yaml",
                "needs: [database, gateway]",
                "needs: [database, gateway, database]",
            ),
        ),
        (
            'sites/apps/personnel.yaml:10 needs[2]: HN-M034: "database" is in this list twice → remove one of the two',
        ),
    ),
    Case(
        "wave-id-twice",
        (swap("roadmap.yaml", "id: first", "id: second"),),
        (
            'sites/roadmap.yaml:9 waves[1]: HN-M034: "second" is in this list twice → remove one of the two',
        ),
    ),
    Case(
        "predecessor-circle",
        (add("units/centre.yaml", "predecessors: [centre]\n"),),
        (
            "sites/units/centre.yaml:7 predecessors: HN-M035: the unit is its own predecessor: centre <- centre → name only units that came before it",
        ),
    ),
    Case(
        "needs-in-a-circle",
        (
            swap("apps/personnel.yaml", "[database, gateway]", "[database, documents]"),
            swap("apps/documents.yaml", "[database]", "[personnel]"),
            swap(
                "roadmap.yaml",
                "        units: [centre]\n",
                "        units: [centre]\n      - app: documents\n",
            ),
        ),
        (
            "sites/apps/documents.yaml:3 needs: HN-M036: the application needs itself: documents <- personnel <- documents → remove one need of the circle",
            "sites/apps/personnel.yaml:10 needs: HN-M036: the application needs itself: personnel <- documents <- personnel → remove one need of the circle",
        ),
    ),
    Case(
        "host-name-too-long",
        (swap("units/radio.yaml", "label: tan-so", "label: " + "a" * 60),),
        (
            'sites/units/radio.yaml:4 label: HN-M037: the host name "personnel-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" has 70 characters; 63 are possible → give the unit a shorter label',
        ),
    ),
    Case(
        "overlapping-sites",
        (swap("sites/east.yaml", "network: 10.77.2.0/24\n", "network: 10.77.0.0/22\n"),),
        (
            "sites/sites/north.yaml:4 network: HN-M040: 10.77.1.0/24 overlaps 10.77.0.0/22, the network of east → choose a network that nothing else uses",
            "sites/sites/west.yaml:4 network: HN-M040: 10.77.3.0/24 overlaps 10.77.0.0/22, the network of east → choose a network that nothing else uses",
        ),
    ),
    Case(
        "overlapping-containers",
        (swap("sites/east.yaml", "172.30.2.0/24", "172.30.1.128/25"),),
        (
            "sites/sites/north.yaml:5 container_network: HN-M040: 172.30.1.0/24 overlaps 172.30.1.128/25, the container_network of east → choose a network that nothing else uses",
        ),
    ),
    Case(
        "container-in-management",
        (swap("sites/east.yaml", "172.30.2.0/24", "10.77.200.0/24"),),
        (
            "sites/sites/east.yaml:5 container_network: HN-M041: 10.77.200.0/24 overlaps 10.77.0.0/16, a management network → choose a network that nothing outside the host uses, such as 172.30.1.0/24",
        ),
    ),
    Case(
        "container-in-users",
        (swap("sites/east.yaml", "172.30.2.0/24", "10.78.200.0/24"),),
        (
            "sites/sites/east.yaml:5 container_network: HN-M041: 10.78.200.0/24 overlaps 10.78.0.0/16, a user network → choose a network that nothing outside the host uses, such as 172.30.1.0/24",
        ),
    ),
    Case(
        "container-in-docker-default",
        (swap("sites/east.yaml", "172.30.2.0/24", "172.17.2.0/24"),),
        (
            "sites/sites/east.yaml:5 container_network: HN-M041: 172.17.2.0/24 overlaps 172.17.0.0/16, the engine's own bridge → choose a network that nothing outside the host uses, such as 172.30.1.0/24",
        ),
    ),
    Case(
        "container-network-too-small",
        (swap("sites/east.yaml", "172.30.2.0/24", "172.30.2.0/28"),),
        (
            "sites/sites/east.yaml:5 container_network: HN-M045: 172.30.2.0/28 has too few addresses for the containers of a host → choose a /26 or larger, such as a /24",
        ),
    ),
    Case(
        "host-outside-its-site",
        (swap("sites/east.yaml", "address: 10.77.2.10", "address: 10.77.8.10"),),
        (
            "sites/sites/east.yaml:8 hosts[0].address: HN-M042: 10.77.8.10 is outside 10.77.2.0/24, the network of east → correct the address, or the site's network",
        ),
    ),
    Case(
        "unit-host-inside-a-site",
        (swap("units/radio.yaml", "10.77.9.10", "10.77.3.20"),),
        (
            "sites/units/radio.yaml:14 hosts[0].address: HN-M042: 10.77.3.20 is in the network of the site west → add site: west, or correct the address",
        ),
    ),
    Case(
        "network-address-as-host",
        (swap("sites/east.yaml", "address: 10.77.2.10", "address: 10.77.2.255"),),
        (
            "sites/sites/east.yaml:8 hosts[0].address: HN-M043: 10.77.2.255 cannot be a host's address → choose an ordinary address of the network",
        ),
    ),
    Case(
        "management-everywhere",
        (
            swap(
                "ministry.yaml",
                "management_networks: [10.77.0.0/16]",
                "management_networks: [0.0.0.0/0]",
            ),
        ),
        (
            "sites/ministry.yaml:6 management_networks[0]: HN-M044: 0.0.0.0/0 would open SSH to far too many → name the networks that operators work from, such as 10.77.0.0/16",
        ),
    ),
    Case(
        "unknown-home",
        (swap("units/centre.yaml", "home: north", "home: noth"),),
        (
            'sites/units/centre.yaml:3 home: HN-M050: there is no site "noth" → did you mean "north"? known: east, north, west',
        ),
    ),
    Case(
        "unknown-hub",
        (swap("ministry.yaml", "hub: north", "hub: south"),),
        (
            'sites/ministry.yaml:4 hub: HN-M050: there is no site "south" → known: east, north, west',
        ),
    ),
    Case(
        "unknown-portal",
        (swap("ministry.yaml", "  total: 5", "  total: 5\n  portal: center"),),
        (
            'sites/ministry.yaml:19 procedures.portal: HN-M050: there is no unit "center" → did you mean "centre"? known: centre, radio',
        ),
    ),
    Case(
        "unknown-application",
        (swap("units/radio.yaml", "  documents:", "  document:"),),
        (
            'sites/units/radio.yaml:9 applications.document: HN-M050: there is no application "document" → did you mean "documents"? known: documents, personnel',
        ),
    ),
    Case(
        "unknown-predecessor",
        (add("units/centre.yaml", "predecessors: [center]\n"),),
        (
            'sites/units/centre.yaml:7 predecessors[0]: HN-M050: there is no unit "center" → did you mean "centre"? known: centre, radio',
        ),
    ),
    Case(
        "unknown-site-of-unit-host",
        (add("units/radio.yaml", "    site: wst\n"),),
        (
            'sites/units/radio.yaml:18 hosts[0].site: HN-M050: there is no site "wst" → did you mean "west"? known: east, north, west',
        ),
    ),
    Case(
        "unknown-need",
        (swap("apps/documents.yaml", "[database]", "[databse]"),),
        (
            'sites/apps/documents.yaml:3 needs[0]: HN-M050: there is no platform part or application "databse" → did you mean "database"? known: database, documents, gateway, infrastructure, personnel, sharing, sign-on',
        ),
    ),
    Case(
        "unknown-data-set",
        (swap("apps/documents.yaml", "[staff]", "[stuff]"),),
        (
            'sites/apps/documents.yaml:4 uses[0]: HN-M050: there is no shared data set "stuff" → did you mean "staff"? known: staff',
        ),
    ),
    Case(
        "unknown-owner",
        (
            swap(
                "roadmap.yaml",
                "owner: centre\n    starts: 2027-01-04",
                "owner: nobody\n    starts: 2027-01-04",
            ),
        ),
        (
            'sites/roadmap.yaml:5 waves[0].owner: HN-M050: there is no unit "nobody" → known: centre, radio',
        ),
    ),
    Case(
        "unknown-unit-in-wave",
        (swap("roadmap.yaml", "units: [centre]", "units: [centre, radios]"),),
        (
            'sites/roadmap.yaml:16 waves[1].applications[0].units[1]: HN-M050: there is no unit "radios" → did you mean "radio"? known: centre, radio',
        ),
    ),
    Case(
        "unknown-application-in-wave",
        (swap("roadmap.yaml", "app: personnel", "app: personel"),),
        (
            'sites/roadmap.yaml:15 waves[1].applications[0].app: HN-M050: there is no application "personel" → did you mean "personnel"? known: documents, personnel',
        ),
    ),
    Case(
        "unknown-group-in-wave",
        (swap("roadmap.yaml", "units: [centre]", "groups: [hihg]"),),
        (
            'sites/roadmap.yaml:16 waves[1].applications[0].groups[0]: HN-M050: there is no group of procedures "hihg" → did you mean "high"? known: high',
        ),
    ),
    Case(
        "unknown-current-wave",
        (swap("roadmap.yaml", "current: second", "current: secnd"),),
        (
            'sites/roadmap.yaml:1 current: HN-M051: there is no wave "secnd" → did you mean "second"? known: first, second',
        ),
    ),
    Case(
        "self-hosts-on-unknown-host",
        (swap("units/radio.yaml", "    host: radio-1", "    host: radio-2"),),
        (
            'sites/units/radio.yaml:8 applications.personnel.host: HN-M052: the unit has no host "radio-2" → did you mean "radio-1"? or choose mode: central',
        ),
    ),
    Case(
        "self-hosts-on-another-units-host",
        (
            swap(
                "units/centre.yaml", "    mode: central", "    mode: self-hosted\n    host: radio-1"
            ),
        ),
        (
            'sites/units/centre.yaml:7 applications.personnel.host: HN-M052: the host "radio-1" belongs to radio, not to this unit → describe it below hosts:, or choose mode: central',
        ),
    ),
    Case(
        "closed-with-applications",
        (add("units/radio.yaml", "closed: 2026-01-01\n"),),
        (
            "sites/units/radio.yaml:5 applications: HN-M053: the unit closed on 2026-01-01 and still has applications → move them to the unit that followed, and remove them here",
        ),
    ),
    Case(
        "external-at-our-own-domain",
        (swap("units/radio.yaml", "vanban.radio.example", "vanban.mic.example"),),
        (
            "sites/units/radio.yaml:11 applications.documents.endpoint: HN-M054: the endpoint vanban.mic.example is in mic.example, which our own gateways serve → name the unit's own address, or choose mode: central",
        ),
    ),
    Case(
        "self-hosts-without-role",
        (add("units/radio.yaml", "    roles: [gateway]\n"),),
        (
            'sites/units/radio.yaml:8 applications.personnel.host: HN-M055: the host "radio-1" does not have the role applications → add applications to the host\'s roles',
            "sites/units/radio.yaml:18 hosts[0].roles[0]: HN-M056: a unit's host cannot have the role gateway → give it applications only",
        ),
    ),
    Case(
        "predecessor-still-open",
        (add("units/centre.yaml", "predecessors: [radio]\n"),),
        (
            'sites/units/centre.yaml:7 predecessors[0]: HN-M057: the predecessor "radio" is still open → add closed: with its date to units/radio.yaml',
        ),
    ),
    Case(
        "two-database-sites",
        (swap("sites/west.yaml", "roles: [database, gateway", "roles: [gateway"),),
        (
            "sites/ministry.yaml:1: HN-M060: hosts with the role database stand at 2 of at least 3 sites → give a host of each of three sites the role database",
        ),
    ),
    Case(
        "even-count-of-members",
        (
            add(
                "sites/west.yaml",
                "  - {id: west-2, address: 10.77.3.11, cpus: 4, memory: 8GiB, storage: 100GiB}\n",
            ),
        ),
        (
            "sites/ministry.yaml:1: HN-M060: 4 hosts have the role database; an even count adds no safety → make the count odd, such as one host a site",
            "sites/sites/west.yaml:6 hosts: HN-M060: 2 of 4 hosts with the role database stand at west → spread them, so that each site has fewer than half",
        ),
    ),
    Case(
        "majority-at-one-site",
        (
            add(
                "sites/west.yaml",
                "  - {id: west-2, address: 10.77.3.11, cpus: 4, memory: 8GiB, storage: 100GiB}\n  - {id: west-3, address: 10.77.3.12, cpus: 4, memory: 8GiB, storage: 100GiB}\n",
            ),
        ),
        (
            "sites/sites/west.yaml:6 hosts: HN-M060: 3 of 5 hosts with the role database stand at west → spread them, so that each site has fewer than half",
        ),
    ),
    Case(
        "no-gateway",
        (swap("sites/west.yaml", "database, gateway, app", "database, app"),),
        (
            "sites/sites/west.yaml:6 hosts: HN-M061: no host of the site has the role gateway → add gateway to a host's roles",
        ),
    ),
    Case(
        "hub-without-applications",
        (swap("sites/north.yaml", ", applications]", "]"),),
        (
            "sites/sites/north.yaml:6 hosts: HN-M062: the site is the hub, and no host of it has the role applications → add applications to a host's roles",
        ),
    ),
    Case(
        "beyond-memory",
        (swap("sites/north.yaml", "memory: 8GiB", "memory: 1GiB"),),
        (
            "sites/sites/north.yaml:10 hosts[0].memory: HN-M063: 1536 MiB of memory are needed (database 1024 MiB + personnel 512 MiB); the host has 1024 MiB → give the host more memory, or place less on it",
        ),
    ),
    Case(
        "beyond-memory-of-a-unit",
        (swap("units/radio.yaml", "memory: 4GiB", "memory: 256MiB"),),
        (
            "sites/units/radio.yaml:16 hosts[0].memory: HN-M063: 512 MiB of memory are needed (personnel 512 MiB); the host has 256 MiB → give the host more memory, or place less on it, such as personnel with mode: central",
        ),
    ),
    Case(
        "beyond-cpus",
        (swap("apps/personnel.yaml", "cpus: 0.5", "cpus: 3"),),
        (
            "sites/units/radio.yaml:15 hosts[0].cpus: HN-M064: 3 cpus are needed; the host has 2 → give the host more cpus, or place less on it, such as personnel with mode: central",
        ),
    ),
    Case(
        "beyond-storage",
        (swap("sites/north.yaml", "storage: 100GiB", "storage: 4GiB"),),
        (
            "sites/sites/north.yaml:11 hosts[0].storage: HN-M065: 2248 MiB may be kept as logs; the host's storage is 4096 MiB → give the host at least twice that, or lower the limits in ministry.yaml",
        ),
    ),
    Case(
        "leader-key-too-short",
        (swap("ministry.yaml", "  ttl: 20", "  ttl: 20\n  retry_timeout: 10"),),
        (
            "sites/ministry.yaml:16 database.ttl: HN-M070: ttl 20 is less than loop_wait + 2 * retry_timeout = 25 → write ttl: 25 or more, or lower the other two",
        ),
    ),
    Case(
        "buffers-too-large",
        (swap("ministry.yaml", "  memory: 1GiB", "  memory: 1GiB\n  shared_buffers: 900MiB"),),
        (
            "sites/ministry.yaml:16 database.shared_buffers: HN-M071: shared_buffers is more than half of the database's memory → raise memory, or lower shared_buffers; a quarter is usual",
        ),
    ),
    Case(
        "root-deploys",
        (swap("ministry.yaml", "user: hanoi", "user: root"),),
        (
            "sites/ministry.yaml:13 ssh.user: HN-M072: the user for deploying is root → name another user, such as hanoi",
        ),
    ),
    Case(
        "unknown-time-zone",
        (swap("ministry.yaml", "Asia/Ho_Chi_Minh", "Asia/Ha_Noi"),),
        (
            'sites/ministry.yaml:5 timezone: HN-M073: there is no time zone "Asia/Ha_Noi" → write a zone such as Asia/Ho_Chi_Minh',
        ),
    ),
    Case(
        "procedures-do-not-add-up",
        (swap("ministry.yaml", "total: 5", "total: 6"),),
        (
            "sites/ministry.yaml:18 procedures.total: HN-M074: the groups add up to 5; with a difference of 0 that is not the total of 6 → correct a count, or state difference: -1 with a note",
        ),
    ),
    Case(
        "difference-without-note",
        (swap("ministry.yaml", "total: 5", "total: 4\n  difference: 1"),),
        (
            "sites/ministry.yaml:19 procedures.difference: HN-M074: a difference of 1 without a note → add note: with what the source says about it",
        ),
    ),
    Case(
        "port-twice",
        (add("apps/documents.yaml", "port: 8000\n"),),
        (
            "sites/apps/personnel.yaml:4 port: HN-M080: the port 8000 is that of the application documents → choose another port",
        ),
    ),
    Case(
        "service-without-port",
        (add("apps/documents.yaml", "service: mayan\n"),),
        (
            'sites/apps/documents.yaml:1 health: HN-M081: the key "health" is missing, and the application has a service → add health:, or remove service: until it is deployed',
            'sites/apps/documents.yaml:1 port: HN-M081: the key "port" is missing, and the application has a service → add port:, or remove service: until it is deployed',
            'sites/apps/documents.yaml:1 resources: HN-M081: the key "resources" is missing, and the application has a service → add resources:, or remove service: until it is deployed',
        ),
    ),
    Case(
        "wave-too-early",
        (swap("roadmap.yaml", "platform: [gateway]", "platform: [sharing]"),),
        (
            "sites/roadmap.yaml:15 waves[1].applications[0].app: HN-M090: personnel needs gateway, which no wave up to second brings → move personnel to a later wave, or gateway to an earlier one",
        ),
    ),
    Case(
        "sign-on-too-early",
        (
            swap(
                "roadmap.yaml", "[infrastructure, database]", "[infrastructure, database, sign-on]"
            ),
        ),
        (
            "sites/roadmap.yaml:8 waves[0].platform[2]: HN-M097: sign-on needs gateway, which no wave up to first brings → move sign-on to a later wave, or gateway to an earlier one",
        ),
    ),
    Case(
        "wave-ends-before-it-starts",
        (swap("roadmap.yaml", "ends: 2027-03-31", "ends: 2026-03-31"),),
        (
            "sites/roadmap.yaml:7 waves[0].ends: HN-M091: the wave ends on 2026-03-31, before it starts on 2027-01-04 → correct one of the two dates",
        ),
    ),
    Case(
        "waves-out-of-order",
        (swap("roadmap.yaml", "starts: 2027-04-01", "starts: 2026-04-01"),),
        (
            "sites/roadmap.yaml:12 waves[1].starts: HN-M091: the wave starts on 2026-04-01, before first on 2027-01-04 → put the waves in the order of their dates",
        ),
    ),
    Case(
        "wave-unit-without-choice",
        (swap("units/centre.yaml", "applications:\n  personnel:\n    mode: central\n", ""),),
        (
            "sites/roadmap.yaml:16 waves[1].applications[0].units[0]: HN-M092: the unit centre has made no choice for personnel → add personnel: with a mode to units/centre.yaml",
        ),
    ),
    Case(
        "wave-with-closed-unit",
        (
            put(
                "units/centre.yaml",
                "id: centre\nname: {vi: C, en: C}\nhome: north\nclosed: 2026-01-01\n",
            ),
        ),
        (
            "sites/roadmap.yaml:5 waves[0].owner: HN-M104: the unit centre closed on 2026-01-01; the wave starts on 2027-01-04 → name the unit that followed it, or another owner",
            "sites/roadmap.yaml:11 waves[1].owner: HN-M104: the unit centre closed on 2026-01-01; the wave starts on 2027-04-01 → name the unit that followed it, or another owner",
            "sites/roadmap.yaml:16 waves[1].applications[0].units[0]: HN-M092: the unit centre closed on 2026-01-01 → name the unit that followed it",
        ),
    ),
    Case(
        "empty-wave",
        (
            swap("roadmap.yaml", "    platform: [infrastructure, database]\n", ""),
            swap(
                "roadmap.yaml",
                "platform: [gateway]",
                "platform: [infrastructure, database, gateway]",
            ),
        ),
        (
            "sites/roadmap.yaml:3 waves[0]: HN-M093: the wave first brings nothing → add platform: or applications:",
        ),
    ),
    Case(
        "platform-before-the-infrastructure",
        (
            swap("roadmap.yaml", "[infrastructure, database]", "[database]"),
            swap("roadmap.yaml", "platform: [gateway]", "platform: [gateway, infrastructure]"),
        ),
        (
            "sites/roadmap.yaml:8 waves[0].platform[0]: HN-M090: database needs infrastructure, which no wave up to first brings → move database to a later wave, or infrastructure to an earlier one",
        ),
    ),
    Case(
        "sharing-platform-before-what-it-needs",
        (
            put(
                "apps/sharing.yaml",
                "id: sharing\nname: {vi: T, en: T}\nneeds: [infrastructure, gateway]\n",
            ),
            swap(
                "roadmap.yaml", "[infrastructure, database]", "[infrastructure, database, sharing]"
            ),
        ),
        (
            "sites/roadmap.yaml:8 waves[0].platform[2]: HN-M090: sharing needs gateway, which no wave up to first brings → move sharing to a later wave, or gateway to an earlier one",
        ),
    ),
    Case(
        "wave-ends-before-an-earlier-one",
        (
            swap("roadmap.yaml", "2027-03-31", "2027-12-31"),
            swap("roadmap.yaml", "starts: 2027-04-01", "starts: 2027-04-01\n    ends: 2027-06-30"),
        ),
        (
            "sites/roadmap.yaml:13 waves[1].ends: HN-M091: the wave ends on 2027-06-30, before first, which ends on 2027-12-31 → let a wave end with or after those above it",
        ),
    ),
    Case(
        "gate-that-nothing-checks",
        (swap("roadmap.yaml", "[gateway]", "[gateway]\n    gates: [gatway, documents]"),),
        (
            'sites/roadmap.yaml:14 waves[1].gates[0]: HN-M094: no check carries the gate "gatway" → did you mean "gateway"? or leave it out',
        ),
    ),
    Case(
        "gate-of-an-application-with-a-service",
        (
            swap("roadmap.yaml", "[gateway]", "[gateway]\n    gates: [stamps, documents]"),
            put(
                "apps/stamps.yaml",
                "id: stamps\nname: {vi: D, en: S}\nservice: stamps\nport: 8001\nhealth: {path: /}\nresources: {memory: 512MiB}\n",
            ),
        ),
        (
            'sites/roadmap.yaml:14 waves[1].gates[0]: HN-M094: no check carries the gate "stamps" → write its checks first (docs/verify.md), or leave it out',
        ),
    ),
    Case(
        "owner-closed",
        (
            put(
                "units/former.yaml",
                "id: former\nname: {vi: F, en: F}\nhome: north\nclosed: 2026-01-01\n",
            ),
            swap(
                "roadmap.yaml",
                "owner: centre\n    starts: 2027-01-04",
                "owner: former\n    starts: 2027-01-04",
            ),
        ),
        (
            "sites/roadmap.yaml:5 waves[0].owner: HN-M104: the unit former closed on 2026-01-01; the wave starts on 2027-01-04 → name the unit that followed it, or another owner",
        ),
    ),
    Case(
        "data-from-a-later-wave",
        (
            swap(
                "roadmap.yaml",
                "    platform: [infrastructure, database]\n",
                "    platform: [infrastructure, database]\n    applications: [{app: documents}]\n",
            ),
        ),
        (
            "sites/roadmap.yaml:9 waves[0].applications[0].app: HN-M096: documents uses staff, which only later waves bring (personnel) → move documents to a later wave, or personnel to an earlier one",
        ),
    ),
)
