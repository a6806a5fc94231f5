"""Reports that the tests of all forms share."""

from __future__ import annotations

from infra.report.content import (
    Capacity,
    Change,
    CheckChange,
    DataChange,
    Finding,
    Interruption,
    OpeningChange,
    Property,
    Report,
    Summary,
    Touched,
)

MINISTRY = ("Bộ Thông tin và Truyền thông", "Ministry of Information and Communications")
HOSTS = (("ddn-1", "duong-dinh-nghe"), ("nd-1", "nguyen-du"), ("tdh-1", "tran-duy-hung"))
NGUYEN_DU = Touched("site", "nguyen-du", "Nguyễn Du", "Nguyen Du", ("1 container replaced",))


def report(changes=(), summary=None, base="main (1a2b3c4)", head="working tree", source="diff"):
    return Report(source, base, head, *MINISTRY, summary or Summary(), tuple(changes), HOSTS)


EMPTY = report()

RENAME = report(
    [
        Change(
            "unit",
            "cuc-bao-chi",
            "rename",
            why="its name changes",
            properties=(Property("name", "Cục Báo chí", "Cục Báo chí và Truyền thông"),),
            units=("cuc-bao-chi",),
        )
    ],
    Summary(
        touched=(
            Touched(
                "unit",
                "cuc-bao-chi",
                "Cục Báo chí và Truyền thông",
                "Authority of Press and Communications",
                ("renamed",),
            ),
        )
    ),
)

SMALL = report(
    [
        Change(
            "container",
            "tryton",
            "replace",
            "nd-1",
            "nguyen-du",
            "its image changes",
            (Property("image", "tryton:7.4", "tryton:7.6"),),
            units=("cuc-bao-chi", "thanh-tra"),
            applications=("personnel",),
        ),
        Change(
            "file",
            "/etc/hanoi/haproxy.cfg",
            "update",
            "nd-1",
            "nguyen-du",
            "",
            (Property("mode", "0644", "0640"),),
            "@@ -1,3 +1,3 @@\n global\n-    maxconn 100\n+    maxconn 200\n",
        ),
    ],
    Summary(touched=(NGUYEN_DU,)),
)

DANGEROUS = report(
    [
        Change(
            "volume",
            "postgres",
            "delete",
            "nd-1",
            "nguyen-du",
            "the host leaves the cluster",
            units=("cuc-bao-chi",),
        ),
        Change("container", "postgres", "delete", "nd-1", "nguyen-du", "the host leaves"),
        Change("container", "etcd", "restart", "tdh-1", "tran-duy-hung", "its peers change"),
        Change("container", "gateway", "create", "ddn-1", "duong-dinh-nghe", "the role is new"),
        Change(
            "opening",
            "tcp/443",
            "update",
            "ddn-1",
            "duong-dinh-nghe",
            properties=(Property("sources", "10.77.0.0/16", "0.0.0.0/0"),),
        ),
        Change("database", "personnel_thanh_tra", "create", why="a new unit"),
    ],
    Summary(
        touched=(
            Touched(
                "unit", "thanh-tra", "Thanh tra Bộ", "Ministry Inspectorate", ("new database",)
            ),
            Touched("application", "personnel", "Quản lý nhân sự", "Personnel", ("interrupted",)),
            NGUYEN_DU,
            Touched("site", "tran-duy-hung", "Trần Duy Hưng", "Tran Duy Hung", ("1 restart",)),
            Touched("site", "duong-dinh-nghe", "Dương Đình Nghệ", "Duong Dinh Nghe", ("opened",)),
        ),
        interruptions=(
            Interruption("all units", "the database", 4, "planned switchover", "nd-1"),
            Interruption("Thanh tra Bộ", "personnel", 200, "first start of the application"),
        ),
        data=(
            DataChange("database personnel_thanh_tra", "created", units=("thanh-tra",)),
            DataChange("volume postgres", "deleted", "nd-1", ("cuc-bao-chi",)),
        ),
        openings=(OpeningChange("ddn-1", 443, "tcp", "users", ("10.77.0.0/16",), ("0.0.0.0/0",)),),
        capacity=(
            Capacity("ddn-1", "memory", 3 * 2**30, 5.5 * 2**30, 8 * 2**30),
            Capacity("ddn-1", "cpus", 2, 4.5, 4),
        ),
        waves=("wave 2 begins: personnel for thanh-tra",),
        checks=(CheckChange("PG-22", "Standbys follow", "delete", ("nd-1",)),),
        findings=(
            Finding(
                "data-lost",
                "refused",
                "nd-1: volume postgres",
                "the volume is removed with its data",
                "nothing else holds what was written since the last backup",
                "keep the role database at nd-1, or move the data first",
            ),
            Finding(
                "open-to-everyone",
                "danger",
                "ddn-1: tcp/443",
                "the port answers the whole Internet",
                "the gateway was meant for the ministry's networks",
                "name the networks in user_networks",
            ),
            Finding("wave-early", "note", "wave 2", "begins before its date", "", ""),
        ),
        unknown=("containers of ddn-1: the host has no engine yet",),
    ),
    head="add-inspectorate (5d6e7f8)",
)


def large(units: int = 1000, hosts: int = 3, dangers: int = 0, diff: str = "") -> Report:
    """`units` units touched, three changes for each; dangers: so many findings."""
    changes, touched = [], []
    for n in range(units):
        host, site = HOSTS[n % 3] if hosts <= 3 else (f"h-{n % hosts}", f"site-{n % 3}")
        unit = f"don-vi-{n:04}"
        whom = {"units": (unit,), "applications": ("personnel",)}
        changes += [
            Change("container", f"tryton-{unit}", "replace", host, site, "its image changes",
                   (Property("image", "tryton:7.4", "tryton:7.6"),), **whom),
            Change("file", f"/etc/hanoi/{unit}/tryton.cfg", "update", host, site, "", (),
                   diff or f"@@ -1,2 +1,2 @@\n [database]\n-unit = {n}\n+unit = {n + 1}\n", **whom),
            Change("database", f"personnel_{n:04}", "create", why="a new unit", **whom),
        ]  # fmt: skip
        touched.append(Touched("unit", unit, f"Đơn vị số {n}", f"Unit number {n}", ("served",)))
    findings = tuple(
        Finding("data-lost", "refused" if n % 2 else "danger", f"h: volume v{n:04}", "it goes",
                "no backup holds it", "keep it")
        for n in range(dangers)
    )  # fmt: skip
    return report(changes, Summary(touched=tuple(touched), findings=findings))
