"""The plan's projections: digests without content, contents only where asked, no templates."""

from __future__ import annotations

import base64
import hashlib
import json

from infra import inventory
from infra.resources import Action, File, HostPlan, Parts, Plan, SitePlan, User
from infra.ssh import Connection

SECRET = "correct horse"


def resolve(reference: str) -> str:
    return {"secret://db/x#password": SECRET, "secret://ca#cert": "PEM"}[reference]


def plan() -> Plan:
    parts = Parts(
        packages=("sudo",),
        users=(User("hanoi", ("docker",)),),
        files=(
            File("/etc/a", "key=secret://db/x#password\n", 0o400, actions=("a",)),
            File("/etc/b", "{{ not a template }}\n"),
            File("/etc/c", "secret://ca#cert"),
        ),
        actions=(Action("a", ("true",)),),
    )
    host = HostPlan("nd-1", "nguyen-du", "10.77.1.10", parts)
    return Plan(
        ministry="mic", through="one", hub="nd-1", ssh_user="hanoi", ssh_bootstrap_user="root",
        ssh_port=22, log_max_size=1, log_files=1,
        sites=(SitePlan("nguyen-du", "Nguyễn Du", (host,)),), common=Parts(),
    )  # fmt: skip


def test_the_wanted_state_holds_digests_of_resolved_content_and_no_content() -> None:
    wanted = inventory.desired(plan(), "nd-1", resolve)
    text = json.dumps(wanted)
    assert SECRET not in text and "secret://" not in text and "template" not in text
    assert wanted["files"][0]["sha256"] == hashlib.sha256(b"key=correct horse\n").hexdigest()
    assert wanted["files"][0]["mode"] == "0400"


def test_contents_are_given_for_the_named_files_only() -> None:
    assert inventory.content(plan(), "nd-1", {"/etc/a"}, resolve) == {
        "/etc/a": "key=correct horse\n"
    }


def test_a_certificate_is_not_taken_for_a_secret() -> None:
    assert inventory.with_secrets(plan(), "nd-1") == {"/etc/a"}


def test_values_travel_so_that_ansible_sees_no_template_in_them() -> None:
    value = {"content": "{{ lookup('pipe', 'id') }}"}
    text = inventory.encoded(value)
    assert "{" not in text
    assert json.loads(base64.b64decode(text)) == value
    assert inventory.encoded([]) == "" == inventory.encoded(None)


def test_the_inventory_uses_the_open_connection_and_becomes_root_unless_it_is() -> None:
    connections = {
        "nd-1": Connection("nd-1", "10.77.1.10", "hanoi"),
        "tdh-1": Connection("tdh-1", "10.77.2.10", "root"),
        "ddn-1": Connection("ddn-1", "10.77.3.10", "hanoi"),
    }
    made = inventory.inventory(connections, {"nd-1": {}, "tdh-1": {}}, {"voters": ["nd-1"]})
    hosts = made["all"]["hosts"]
    assert sorted(hosts) == ["nd-1", "tdh-1"]
    assert [hosts[h]["ansible_become"] for h in ("nd-1", "tdh-1")] == [True, False]
    assert str(connections["nd-1"].control_path) in hosts["nd-1"]["ansible_ssh_args"]
    assert list(made["all"]["children"]["voters"]["hosts"]) == ["nd-1"]
