"""What the platform part sign-on stands on."""

from __future__ import annotations

from collections.abc import Iterator

from infra.model.rules import Broken, View, rule

NEEDS = ("database", "gateway")


@rule("HN-M097")
def sign_on_comes_after_what_it_needs(view: View) -> Iterator[Broken]:
    """Its users and sessions are in the database, and the gateways lead to it."""
    if not view.roadmap:
        return
    ready: set[str] = set()
    for n, wave in enumerate(view.roadmap.waves):
        ready.update(wave.platform)
        if "sign-on" not in wave.platform:
            continue
        for need in NEEDS:
            if need not in ready:
                at = ("waves", n, "platform", wave.platform.index("sign-on"))
                what = f"sign-on needs {need}, which no wave up to {wave.id} brings"
                remedy = f"move sign-on to a later wave, or {need} to an earlier one"
                yield Broken(view.roadmap, at, what, remedy)
