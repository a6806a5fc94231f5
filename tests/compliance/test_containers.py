"""Every planned container, as the engine says that it really runs."""

from __future__ import annotations

import json

from infra.verify.checks import control, gate, inspect, look

pytestmark = [gate("infrastructure", "database", "gateway", "personnel")]
pytestmark += [gate("sign-on", "online-services", "documents")]

CIS = "CIS Docker Benchmark 1.6, section 5"


@control("CONT-01", "own requirement")
def test_running(host, container: str) -> None:
    """It runs and is not restarting.

    Break: the container stopped.
    """
    state = inspect(host, container)["State"]["Status"]
    assert state == "running", f"{container} is {state}"


@control("CONT-02", CIS + ".26")
def test_healthy(host, container: str) -> None:
    """Its health check says that it is healthy."""
    health = inspect(host, container)["State"].get("Health")
    assert health, f"{container} has no health check"
    assert health["Status"] == "healthy", f"{container} is {health['Status']}"


@control("CONT-03", "own requirement")
def test_pinned(host, container: str, plan, target) -> None:
    """Its image is pinned by content and came from our registry under its own name.

    It runs by the image's id, which nobody can swap as one can swap a tag; and the engine
    pulled that id by digest. The registry itself has nowhere to be pulled from.
    Break: the container replaced by one of another image.
    """
    running = inspect(host, container)["Config"]["Image"]
    repository = f"{plan.host(plan.hub).address}:5000/hanoi/{target.container(container).image}"
    pulled = running.startswith(f"{repository}@sha256:")
    assert pulled or running.startswith("sha256:"), f"{container} runs {running}"
    if not pulled and container != "registry":
        image = json.loads(look(host, "docker image inspect %s", running))[0]
        digests = [d for d in image["RepoDigests"] or [] if d.startswith(f"{repository}@sha256:")]
        assert digests, f"{container} runs an image that is not {repository}@sha256:…"


@control("CONT-14", "own requirement")
def test_as_planned(host, container: str, plan, target) -> None:
    """It was created from the plan as it is now, with the image's present content.

    The toolkit labels what it creates with a digest of its whole description.
    Break: the container replaced by one made by hand.
    """
    from infra import images, stack

    planned = target.container(container)
    tag = images.tag(images.ImageSpec(planned.image, int(planned.user.split(":")[0])))
    found = (inspect(host, container)["Config"]["Labels"] or {}).get("hanoi.spec")
    wanted = stack.spec(plan, planned, tag)
    assert found == wanted, f"{container} is of {found or 'no plan'}, the plan is {wanted}"


@control("CONT-04", CIS + ".4")
def test_not_root(host, container: str) -> None:
    """It does not run as root."""
    user = inspect(host, container)["Config"]["User"]
    assert user.split(":")[0].isdigit() and int(user.split(":")[0]) >= 1000, (
        f"user {user or 'root'}"
    )


@control("CONT-05", CIS + ".3")
def test_no_capabilities(host, container: str) -> None:
    """It has no capabilities and is not privileged."""
    settings = inspect(host, container)["HostConfig"]
    assert settings["CapDrop"] in (["ALL"], ["CAP_ALL"]), f"drops {settings['CapDrop']}"
    assert not settings["CapAdd"], f"adds {settings['CapAdd']}"
    assert not settings["Privileged"], "it is privileged"


@control("CONT-06", CIS + ".12")
def test_read_only(host, container: str) -> None:
    """Its root file system is read-only."""
    assert inspect(host, container)["HostConfig"]["ReadonlyRootfs"], "it is writable"


@control("CONT-07", CIS + ".25")
def test_no_new_privileges(host, container: str) -> None:
    """Its processes cannot gain privileges."""
    found = inspect(host, container)["HostConfig"]["SecurityOpt"] or []
    assert {"no-new-privileges", "no-new-privileges:true"} & set(found), f"options {found}"


@control("CONT-08", CIS + ".10")
def test_memory(host, container: str) -> None:
    """It has a memory limit."""
    limit = inspect(host, container)["HostConfig"]["Memory"]
    assert limit > 0, "it has no limit"


@control("CONT-09", CIS, "own requirement")
def test_log_limits(host, container: str) -> None:
    """Its log has a limit, so that it cannot fill the disk."""
    log = inspect(host, container)["HostConfig"]["LogConfig"]
    assert log["Type"] == "json-file", f"driver {log['Type']}"
    assert {"max-size", "max-file"} <= set(log["Config"] or {}), "max-size or max-file is missing"


@control("CONT-10", CIS + ".14", "own requirement")
def test_restart(host, container: str) -> None:
    """It comes back after a crash and after a restart of its host."""
    policy = inspect(host, container)["HostConfig"]["RestartPolicy"]["Name"]
    assert policy == "unless-stopped", f"policy {policy}"


@control("CONT-11", CIS + ".9, .15-.17, .20, .31")
def test_apart(host, container: str) -> None:
    """It shares no namespace with the host and has not the engine's socket."""
    found = inspect(host, container)
    settings = found["HostConfig"]
    for key in ("NetworkMode", "PidMode", "IpcMode", "UTSMode"):
        assert settings[key] != "host", f"{key} is host"
    assert not any("docker.sock" in m["Source"] for m in found["Mounts"]), (
        "it has the engine's socket"
    )
    assert not settings["Devices"], f"it has devices: {settings['Devices']}"


@control("CONT-12", CIS + ".13")
def test_published_ports(host, container: str, target) -> None:
    """It publishes only its planned ports, on the host's own address."""
    bindings = inspect(host, container)["HostConfig"]["PortBindings"] or {}
    found = {(int(b["HostPort"]), b["HostIp"]) for many in bindings.values() for b in many}
    planned = {(p.host_port, p.address) for p in target.container(container).ports}
    assert found == planned, f"publishes {sorted(found)}, planned {sorted(planned)}"


@control("CONT-13", "own requirement")
def test_configuration_is_read_only(host, container: str, target) -> None:
    """It cannot write its own configuration, nor any directory that it was not given to write."""
    given = {m.source for m in target.container(container).mounts if not m.read_only}
    mounts = inspect(host, container)["Mounts"]
    written = [m["Source"] for m in mounts if m["Type"] == "bind" and m["RW"]]
    loose = [s for s in written if s not in given or s.startswith("/etc/")]
    assert not loose, f"writable: {', '.join(loose)}"


@control("CONT-20", "own requirement")
def test_no_unknown_container(host, target) -> None:
    """No container runs that nobody planned.

    Break: `docker run` by hand.
    """
    found = set(look(host, "docker ps --all --format '{{.Names}}'").split())
    unknown = found - {c.name for c in target.parts.containers}
    assert not unknown, f"unknown: {', '.join(sorted(unknown))}"


@control("CONT-21", "own requirement")
def test_all_planned_exist(host, target) -> None:
    """Every planned container exists."""
    found = set(look(host, "docker ps --all --format '{{.Names}}'").split())
    missing = {c.name for c in target.parts.containers} - found
    assert not missing, f"missing: {', '.join(sorted(missing))}"
