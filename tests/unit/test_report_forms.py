"""The forms for people, literally: what a reviewer reads."""

from __future__ import annotations

import pytest
from reports import DANGEROUS, EMPTY, RENAME, SMALL, large, report

from infra.report import render
from infra.report.content import Change, Finding, Property, Summary
from infra.report.text import wrap

RENAME_TEXT = """\
WHAT THIS CHANGE DOES · TÁC ĐỘNG CỦA THAY ĐỔI
Bộ Thông tin và Truyền thông (Ministry of Information and Communications)
main (1a2b3c4) → working tree

no refusal, no danger
1 change: 1 renamed

Units, applications and sites touched · Đơn vị, ứng dụng, địa điểm bị tác động
  unit  Cục Báo chí và Truyền thông (Authority of Press and Communications) cuc-bao-chi · renamed

What happens where · Việc được thực hiện
  Site                                       Host  renamed
  Once for the ministry · Chung cho toàn bộ              1

IN DETAIL · CHI TIẾT

Once for the ministry · Chung cho toàn bộ: 1 renamed
  = rename   unit cuc-bao-chi: its name changes; name: Cục Báo chí → Cục Báo chí và Truyền thông
             for cuc-bao-chi
"""

SMALL_TEXT = """\
WHAT THIS CHANGE DOES · TÁC ĐỘNG CỦA THAY ĐỔI
Bộ Thông tin và Truyền thông (Ministry of Information and Communications)
main (1a2b3c4) → working tree

no refusal, no danger
2 changes on 1 host: 1 replaced, 1 updated

Units, applications and sites touched · Đơn vị, ứng dụng, địa điểm bị tác động
  site  Nguyễn Du (Nguyen Du) nguyen-du · 1 container replaced

What happens where · Việc được thực hiện
  Site                   Host  replaced  updated
  Nguyễn Du (Nguyen Du)  nd-1         1        1

IN DETAIL · CHI TIẾT

Nguyễn Du (Nguyen Du) · nd-1: 1 replaced, 1 updated
  ± replace  container tryton: its image changes
             image: tryton:7.4 → tryton:7.6
             for cuc-bao-chi, thanh-tra; personnel
  ~ update   file /etc/hanoi/haproxy.cfg
             mode: 0644 → 0640
             │ @@ -1,3 +1,3 @@
             │  global
             │ -    maxconn 100
             │ +    maxconn 200
"""

DANGEROUS_TEXT = """\
WHAT THIS CHANGE DOES · TÁC ĐỘNG CỦA THAY ĐỔI
Bộ Thông tin và Truyền thông (Ministry of Information and Communications)
main (1a2b3c4) → add-inspectorate (5d6e7f8)

1 refusal, 1 danger
6 changes on 3 hosts: 2 deleted, 2 created, 1 restarted, 1 updated

!! REFUSED · TỪ CHỐI: data-lost: nd-1: volume postgres
   the volume is removed with its data
   Why:     nothing else holds what was written since the last backup
   Instead: keep the role database at nd-1, or move the data first

!! DANGER · NGUY HIỂM: open-to-everyone: ddn-1: tcp/443
   the port answers the whole Internet
   Why:     the gateway was meant for the ministry's networks
   Instead: name the networks in user_networks

Units, applications and sites touched · Đơn vị, ứng dụng, địa điểm bị tác động
  unit         Thanh tra Bộ (Ministry Inspectorate) thanh-tra · new database
  application  Quản lý nhân sự (Personnel) personnel · interrupted
  site         Nguyễn Du (Nguyen Du) nguyen-du · 1 container replaced
  site         Trần Duy Hưng (Tran Duy Hung) tran-duy-hung · 1 restart
  site         Dương Đình Nghệ (Duong Dinh Nghe) duong-dinh-nghe · opened

What happens where · Việc được thực hiện
  Site                                       Host   deleted  created  restarted  updated
  Once for the ministry · Chung cho toàn bộ                        1
  Dương Đình Nghệ (Duong Dinh Nghe)          ddn-1                 1                   1
  Nguyễn Du (Nguyen Du)                      nd-1         2
  Trần Duy Hưng (Tran Duy Hung)              tdh-1                            1
  all together                                            2        2          1        1

Expected interruption · Gián đoạn dự kiến
  3 min 20 s  Thanh tra Bộ · personnel · first start of the application
  4 s         all units · the database on nd-1 · planned switchover

Data that moves or goes · Dữ liệu
! deleted  volume postgres · nd-1 · cuc-bao-chi
  created  database personnel_thanh_tra · the ministry · thanh-tra

Firewall openings · Cổng mở trên tường lửa
! opens to everyone  ddn-1 tcp/443 · 10.77.0.0/16 → everyone 0.0.0.0/0 · users

Capacity, before → after · Tài nguyên máy chủ
  ddn-1  memory · 3.0 GiB → 5.5 GiB · of 8.0 GiB, 69 %
! ddn-1  cpus · 2 → 4.5 · of 4, 112 %: MORE THAN THERE IS

Waves of the roadmap · Các đợt triển khai
  - wave 2 begins: personnel for thanh-tra

Checks that change · Kiểm tra tuân thủ
  stops  PG-22 Standbys follow · nd-1

Notes · Ghi chú
  wave 2  wave-early: begins before its date

Unknown · Chưa xác định được
  - containers of ddn-1: the host has no engine yet

IN DETAIL · CHI TIẾT

Once for the ministry · Chung cho toàn bộ: 1 created
  + create   database personnel_thanh_tra: a new unit

Dương Đình Nghệ (Duong Dinh Nghe) · ddn-1: 1 created, 1 updated
  + create   container gateway: the role is new
  ~ update   opening tcp/443
             sources: 10.77.0.0/16 → 0.0.0.0/0

Nguyễn Du (Nguyen Du) · nd-1: 2 deleted
  - delete   container postgres: the host leaves
  - delete   volume postgres: the host leaves the cluster
             for cuc-bao-chi

Trần Duy Hưng (Tran Duy Hung) · tdh-1: 1 restarted
  ! restart  container etcd: its peers change
"""

RENAME_MARKDOWN = """\
<!-- hanoi-report: diff -->
## What this change does · Tác động của thay đổi

`main (1a2b3c4)` → `working tree` · Bộ Thông tin và Truyền thông (Ministry of Information and Communications)

**1 change: 1 renamed** · no refusal, no danger

| Summary · Tóm tắt | |
|---|---|
| **Units, applications and sites touched** · Đơn vị, ứng dụng, địa điểm bị tác động | unit · Cục Báo chí và Truyền thông (Authority of Press and Communications) `cuc-bao-chi` · renamed |

| Site | Host | renamed |
|---|---|--:|
| Once for the ministry · Chung cho toàn bộ |  | 1 |

### In detail · Chi tiết

<details><summary>Once for the ministry · Chung cho toàn bộ: 1 renamed</summary>

**rename** unit `cuc-bao-chi`: its name changes; `name`: `Cục Báo chí` → `Cục Báo chí và Truyền thông` (for `cuc-bao-chi`)

</details>
"""

SMALL_MARKDOWN = """\
<!-- hanoi-report: diff -->
## What this change does · Tác động của thay đổi

`main (1a2b3c4)` → `working tree` · Bộ Thông tin và Truyền thông (Ministry of Information and Communications)

**2 changes on 1 host: 1 replaced, 1 updated** · no refusal, no danger

| Summary · Tóm tắt | |
|---|---|
| **Units, applications and sites touched** · Đơn vị, ứng dụng, địa điểm bị tác động | site · Nguyễn Du (Nguyen Du) `nguyen-du` · 1 container replaced |

| Site | Host | replaced | updated |
|---|---|--:|--:|
| Nguyễn Du (Nguyen Du) | `nd-1` | 1 | 1 |

<details open><summary>What changes where · Sơ đồ thay đổi</summary>

```mermaid
flowchart TB
  subgraph s0["Nguyễn Du (Nguyen Du)"]
    subgraph h0["nd-1"]
      direction LR
      n0["tryton<br/>replace"]:::replace_
      n1["1 other change<br/>1 updated"]:::update_
    end
  end
  classDef replace_ fill:#6f3fb5,color:#ffffff,stroke:#6f3fb5
  classDef update_ fill:#0b5cad,color:#ffffff,stroke:#0b5cad
```

</details>

### In detail · Chi tiết

<details><summary>Nguyễn Du (Nguyen Du) · <code>nd-1</code>: 1 replaced, 1 updated</summary>

**replace** container `tryton`: its image changes (for `cuc-bao-chi`, `thanh-tra`; `personnel`)

- `image`: `tryton:7.4` → `tryton:7.6`

**update** file `/etc/hanoi/haproxy.cfg`

- `mode`: `0644` → `0640`

<details><summary>diff of <code>/etc/hanoi/haproxy.cfg</code>, 4 lines</summary>

```diff
@@ -1,3 +1,3 @@
 global
-    maxconn 100
+    maxconn 200
```

</details>

</details>
"""

DANGEROUS_MARKDOWN = """\
<!-- hanoi-report: diff -->
## What this change does · Tác động của thay đổi

`main (1a2b3c4)` → `add-inspectorate (5d6e7f8)` · Bộ Thông tin và Truyền thông (Ministry of Information and Communications)

> [!CAUTION]
> **1 refusal, 1 danger**
>
> **REFUSED · TỪ CHỐI** `data-lost` at `nd-1: volume postgres`: the volume is removed with its data<br>*Why:* nothing else holds what was written since the last backup<br>*Instead:* keep the role database at nd-1, or move the data first
>
> **DANGER · NGUY HIỂM** `open-to-everyone` at `ddn-1: tcp/443`: the port answers the whole Internet<br>*Why:* the gateway was meant for the ministry's networks<br>*Instead:* name the networks in user\\_networks

**6 changes on 3 hosts: 2 deleted, 2 created, 1 restarted, 1 updated**

| Summary · Tóm tắt | |
|---|---|
| **Units, applications and sites touched** · Đơn vị, ứng dụng, địa điểm bị tác động | unit · Thanh tra Bộ (Ministry Inspectorate) `thanh-tra` · new database<br>application · Quản lý nhân sự (Personnel) `personnel` · interrupted<br>site · Nguyễn Du (Nguyen Du) `nguyen-du` · 1 container replaced<br>site · Trần Duy Hưng (Tran Duy Hung) `tran-duy-hung` · 1 restart<br>site · Dương Đình Nghệ (Duong Dinh Nghe) `duong-dinh-nghe` · opened |
| **Expected interruption** · Gián đoạn dự kiến | 3 min 20 s · Thanh tra Bộ · personnel · first start of the application<br>4 s · all units · the database on `nd-1` · planned switchover |
| **Data that moves or goes** · Dữ liệu | ❗ <b>deleted · volume postgres · `nd-1` · `cuc-bao-chi`</b><br>created · database personnel\\_thanh\\_tra · the ministry · `thanh-tra` |
| **Firewall openings** · Cổng mở trên tường lửa | ❗ <b>opens to everyone · `ddn-1` `tcp/443` · `10.77.0.0/16` → everyone `0.0.0.0/0` · users</b> |
| **Capacity, before → after** · Tài nguyên máy chủ | `ddn-1` · memory · 3.0 GiB → 5.5 GiB · of 8.0 GiB, 69 %<br>❗ <b>`ddn-1` · cpus · 2 → 4.5 · of 4, 112 %: MORE THAN THERE IS</b> |
| **Waves of the roadmap** · Các đợt triển khai | wave 2 begins: personnel for thanh-tra |
| **Checks that change** · Kiểm tra tuân thủ | stops · `PG-22` Standbys follow · `nd-1` |
| **Notes** · Ghi chú | `wave 2` · `wave-early`: begins before its date |
| **Unknown** · Chưa xác định được | containers of ddn-1: the host has no engine yet |

| Site | Host | deleted | created | restarted | updated |
|---|---|--:|--:|--:|--:|
| Once for the ministry · Chung cho toàn bộ |  |  | 1 |  |  |
| Dương Đình Nghệ (Duong Dinh Nghe) | `ddn-1` |  | 1 |  | 1 |
| Nguyễn Du (Nguyen Du) | `nd-1` | 2 |  |  |  |
| Trần Duy Hưng (Tran Duy Hung) | `tdh-1` |  |  | 1 |  |
| all together |  | 2 | 2 | 1 | 1 |

<details open><summary>What changes where · Sơ đồ thay đổi</summary>

```mermaid
flowchart TB
  subgraph s0["Dương Đình Nghệ (Duong Dinh Nghe)"]
    subgraph h0["ddn-1"]
      direction LR
      n0["gateway<br/>create"]:::create_
      n1["1 other change<br/>1 updated"]:::update_
    end
  end
  subgraph s1["Nguyễn Du (Nguyen Du)"]
    subgraph h1["nd-1"]
      direction LR
      n2["volume postgres<br/>delete"]:::delete_
      n3["postgres<br/>delete"]:::delete_
    end
  end
  subgraph s2["Trần Duy Hưng (Tran Duy Hung)"]
    subgraph h2["tdh-1"]
      direction LR
      n4["etcd<br/>restart"]:::restart_
    end
  end
  classDef delete_ fill:#a1260d,color:#ffffff,stroke:#a1260d
  classDef create_ fill:#1a7337,color:#ffffff,stroke:#1a7337
  classDef restart_ fill:#8a5a00,color:#ffffff,stroke:#8a5a00
  classDef update_ fill:#0b5cad,color:#ffffff,stroke:#0b5cad
```

</details>

### In detail · Chi tiết

<details><summary>Once for the ministry · Chung cho toàn bộ: 1 created</summary>

**create** database `personnel_thanh_tra`: a new unit

</details>

<details><summary>Dương Đình Nghệ (Duong Dinh Nghe) · <code>ddn-1</code>: 1 created, 1 updated</summary>

**create** container `gateway`: the role is new

**update** opening `tcp/443`

- `sources`: `10.77.0.0/16` → `0.0.0.0/0`

</details>

<details><summary>Nguyễn Du (Nguyen Du) · <code>nd-1</code>: 2 deleted</summary>

**delete** container `postgres`: the host leaves

**delete** volume `postgres`: the host leaves the cluster (for `cuc-bao-chi`)

</details>

<details><summary>Trần Duy Hưng (Tran Duy Hung) · <code>tdh-1</code>: 1 restarted</summary>

**restart** container `etcd`: its peers change

</details>
"""


@pytest.mark.parametrize(
    ("form", "of", "expected"),
    [
        ("text", RENAME, RENAME_TEXT),
        ("text", SMALL, SMALL_TEXT),
        ("text", DANGEROUS, DANGEROUS_TEXT),
        ("markdown", RENAME, RENAME_MARKDOWN),
        ("markdown", SMALL, SMALL_MARKDOWN),
        ("markdown", DANGEROUS, DANGEROUS_MARKDOWN),
    ],
    ids=lambda v: v if v in ("text", "markdown") else "",
)
def test_a_report_reads(form, of, expected) -> None:
    assert render(of, form) == expected


def test_an_empty_report_is_one_line() -> None:
    line = "Nothing changes · Không có thay đổi: main (1a2b3c4) → working tree\n"
    assert render(EMPTY, "text") == line
    assert render(EMPTY, "text", colour=True) == line
    assert render(EMPTY, "markdown").splitlines() == [
        "<!-- hanoi-report: diff -->",
        "## What this change does · Tác động của thay đổi",
        "",
        "**Nothing changes** · Không có thay đổi: `main (1a2b3c4)` → `working tree`",
    ]
    drift = report(base="sites/", head="live", source="drift")
    assert render(drift, "text") == (
        "Nothing differs from the description · Không có sai khác so với bản mô tả: sites/ → live\n"
    )


def test_what_is_only_unknown_is_not_empty() -> None:
    unknown = report(summary=Summary(unknown=("containers of nd-1: no engine yet",)))
    assert "Unknown · Chưa xác định được\n  - containers of nd-1: no engine yet\n" in render(
        unknown, "text"
    )
    assert "IN DETAIL" not in render(unknown, "text")


def test_refusals_stand_before_dangers_and_both_before_all_else() -> None:
    found = tuple(Finding(i, s, "x", "y", "", "") for i, s in (
        ("b-danger", "danger"), ("c-refused", "refused"), ("a-note", "note"), ("a-danger", "danger")
    ))  # fmt: skip
    for form in ("text", "markdown", "html"):
        made = render(report(SMALL.changes, Summary(findings=found)), form)
        at = [made.index(i) for i in ("c-refused", "a-danger", "b-danger", "tryton", "a-note")]
        assert at[:4] == sorted(at[:4]), form
        assert at[2] < at[4], form


def test_operations_stand_in_the_order_of_worry() -> None:
    names = ("update", "create", "delete", "rename", "reload", "restart", "replace")
    changes = [Change("container", f"x-{o}", o, "nd-1", "nguyen-du") for o in names]
    wanted = ["delete", "replace", "create", "restart", "reload", "update", "rename"]
    for form in ("text", "markdown", "html"):
        made = render(report(changes), form)
        detail = made[made.lower().index("in detail") :]
        assert sorted(names, key=lambda o: detail.index(f"x-{o}")) == wanted, form


def test_many_units_of_one_change_are_counted() -> None:
    change = Change("database", "shared", "update", units=tuple(f"u{n}" for n in range(11)))
    assert "             for 11 units\n" in render(report([change]), "text")
    assert "(for 11 units)" in render(report([change]), "markdown")


def test_the_marker_names_the_target() -> None:
    first = render(SMALL, "markdown", target="prod nd --> x").split("\n")[0]
    assert first == "<!-- hanoi-report: prod-nd-x -->"


@pytest.mark.parametrize(
    ("artifact", "end"),
    [
        (None, "</details>\n"),
        ("https://ci.example/a?b=c#d", "[The whole report · Báo cáo đầy đủ](<https://ci.example/a?b=c#d>)\n"),
        ("report.json", "The whole report · Báo cáo đầy đủ: `report.json`\n"),
        ("javascript:alert(1)", "The whole report · Báo cáo đầy đủ: `javascript:alert(1)`\n"),
        ("https://x/>) [y](z", "The whole report · Báo cáo đầy đủ: `https://x/>) [y](z`\n"),
    ],
)  # fmt: skip
def test_the_pointer_to_the_artifact(artifact, end) -> None:
    assert render(SMALL, "markdown", artifact=artifact).endswith(end)


def test_text_wraps_by_columns_as_a_terminal_counts_them() -> None:
    assert wrap("Trần Duy Hưng", "- ", width=12) == ["- Trần Duy", "  Hưng"]
    assert wrap("漢字漢字漢字", "- ", width=12) == ["- 漢字漢字", "  漢字"]
    assert wrap("", "- ") == ["- "]


def test_a_long_line_of_a_diff_goes_on_behind_a_mark() -> None:
    diff = f"@@ -1 +1 @@\n-short\n+{'x' * 120}\n"
    made = render(report([Change("file", "/x", "update", "nd-1", diff=diff)]), "text").split("\n")
    assert made[-4:] == [
        "             │ -short",
        "             │ +" + "x" * 84,
        "             │ …" + "x" * 36,
        "",
    ]


def test_a_value_or_line_without_end_is_cut_in_text_only() -> None:
    huge = "Q" * 5000
    change = Change(
        "file", "/x", "update", properties=(Property("p", "a", huge),), diff=f"@@ -1 +1 @@\n+{huge}"
    )
    made = render(report([change]), "text")
    assert made.count("Q") == 2000 + 1999  # the line's sign is one of its characters
    assert "(3,000 more" in made and "(3,001 more" in made
    assert huge in render(report([change]), "html")
    assert huge in render(report([change]), "markdown")


def test_colour_marks_what_is_deleted() -> None:
    made = render(DANGEROUS, "text", colour=True)
    assert "\x1b[1;31m  - delete   container postgres: the host leaves\x1b[0m" in made
    assert "\x1b" not in render(DANGEROUS, "text")


def test_a_picture_has_few_enough_nodes() -> None:
    from infra.report.mermaid import mermaid

    assert mermaid(EMPTY) == mermaid(RENAME) == ""  # no host is touched
    assert 'n0["tryton-don-vi-0000<br/>replace"]' in mermaid(large(10))
    hosts = mermaid(large(1000))  # more than 50 containers: the hosts with their counts
    assert 'n1["666 changes<br/>333 replaced, 333 updated"]' in hosts
    sites = mermaid(large(1000, hosts=1000))
    assert 'n0["334 hosts<br/>334 replaced, 334 updated"]' in sites
    assert max(len(x) for x in (hosts, sites)) < 2000


def containers(count: int, name: str) -> list[Change]:
    return [Change("container", f"{name}{n}", "create", "nd-1", "nguyen-du") for n in range(count)]


@pytest.mark.parametrize(
    ("count", "name", "node"),
    [
        (20, "c", 'n0["c0<br/>create"]'),
        (51, "c", 'n0["51 changes<br/>51 created"]'),  # too many nodes
        (30, "c" * 50, 'n0["30 changes<br/>30 created"]'),  # too many characters for GitLab
    ],
)
def test_a_picture_is_closed_up_when_it_is_too_large(count, name, node) -> None:
    from infra.report.mermaid import mermaid
    from infra.report.topology import size, topology

    of = report(containers(count, name))
    assert node in mermaid(of)
    assert len(mermaid(of)) <= 2000
    assert size(topology(of)) <= 50


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("tryton-7.4 (new), a/b", "tryton-7.4 (new), a/b"),
        ("_it_ and 1. one", "#95;it#95; and 1#46; one"),
        ('"]; x', "#34;#93;#59; x"),
        ("- item", "#45; item"),
        ("Trần Duy Hưng", "Trần Duy Hưng"),
        ("", "-"),
        ("x" * 70, "x" * 60 + "… (10 more characters)"),
    ],
)
def test_a_label_of_the_picture(text, shown) -> None:
    from infra.report.mermaid import label

    assert label(text) == shown
