"""systemd's units: planned ones that are off, failed ones, and those nobody planned."""

from __future__ import annotations

from collections.abc import Iterator

from infra.live.drift.registry import Drifted, Seen, detector
from infra.report.content import Property


@detector("service-state", needs="current")
def state(seen: Seen) -> Iterator[Drifted]:
    """A planned service that is stopped, disabled or masked."""
    planned = {u.name: u for u in seen.host.parts.units}
    for name in seen.look.units:
        live, unit = seen.answers["current"]["units"].get(name, {}), planned[name]
        at_start = "masked" if unit.masked else "enabled" if unit.enabled else "disabled"
        now = "active" if unit.active and not unit.masked else "inactive"
        pairs = (
            ("at start-up", at_start, live.get("UnitFileState") or "not there"),
            ("now", now, live.get("ActiveState") or "not there"),
        )
        found = tuple(Property(*p) for p in pairs if p[1] != p[2])
        what = ", ".join(f"{p.name} {p.after} instead of {p.before}" for p in found)
        yield Drifted(
            "service",
            name,
            "update",
            what or "its state is another",
            properties=found,
            words=(name, name.removesuffix(".service")),
            when=_seconds(live.get("StateChangeTimestamp", "")) if found[-1:] else None,
        )


@detector("service-failed", needs="system")
def failed(seen: Seen) -> Iterator[Drifted]:
    """A unit that has failed."""
    for name in seen.answers["system"]["failed"]:
        yield Drifted(
            "service",
            name,
            "update",
            "it has failed",
            remedy=f"look at journalctl -u {name}; then systemctl reset-failed {name}",
            words=(name, name.removesuffix(".service")),
        )


@detector("service-unknown", needs="system", danger=True)
def unknown(seen: Seen) -> Iterator[Drifted]:
    """A service that runs, and that neither a package nor the plan brought."""
    planned = {u.name for u in seen.host.parts.units}
    files = {f.path for f in seen.host.parts.files}
    for service in seen.answers["system"]["services"]:
        name = service["name"]
        if name in planned or service["path"] in files or _of_the_engine(name):
            continue
        how = "started by hand (transient)" if service["transient"] else "of a local unit file"
        yield Drifted(
            "service",
            name,
            "create",
            f"it runs beside the plan, {how}",
            remedy=f"look what it is for; systemctl stop {name}",
            danger=True,
            words=(name, name.rsplit(".", 1)[0]),
        )


def _of_the_engine(name: str) -> bool:
    """Docker has its health checks and containers run by transient timers and scopes."""
    return name.startswith(("docker-", "user@", "user-runtime-dir@"))


def _seconds(stamp: str) -> float | None:
    return float(stamp[1:]) if stamp.startswith("@") and stamp[1:].isdigit() else None
