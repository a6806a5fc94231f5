"""hanoi: the command line. Parse, call, print, exit code; no logic of its own."""

from __future__ import annotations

import gc
import json
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from infra import __version__, paths
from infra.commandline import json_option
from infra.commandline import options as _options
from infra.errors import Exit
from infra.progress import Progress
from infra.report import FORMS, Form
from infra.units.commands import unit

if TYPE_CHECKING:
    from infra.live import Found

# Start-up makes many objects that all stay: looking through them for garbage every 700 new ones,
# as Python does by default, takes a tenth of it.
gc.set_threshold(50_000)


site_option = click.option(
    "--site", "site_ids", multiple=True, metavar="SITE", help="Only this site; may be repeated."
)
through_option = click.option(
    "--through", metavar="WAVE", help="Up to this wave of the roadmap (default: its current one)."
)
quiet_option = click.option("--quiet", is_flag=True, help="No progress lines.")


def _plan(through: str | None = None) -> Any:
    from infra.model import load
    from infra.plan import plan
    from infra.state import HomeRecord

    return plan(load(paths.sites()), through, HomeRecord().all())


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__)
@click.option(
    "--sites",
    type=click.Path(path_type=Path),
    envvar="HANOI_SITES",
    help="The directory that describes the ministry (default: ./sites).",
)
def main(sites: Path | None) -> None:
    """Describe, deploy and prove the shared stack of a ministry's three sites."""
    if sites is not None:
        import os

        os.environ["HANOI_SITES"] = str(sites)


@main.command()
@_options(json_option)
def check(as_json: bool) -> None:
    """Check the description in sites/; contacts nothing."""
    from infra.model import load

    model = load(paths.sites())
    if as_json:
        click.echo(json.dumps({"problems": []}))
    else:
        sizes = (len(model.sites), len(model.units), len(model.apps))
        click.echo("{} sites, {} units, {} applications: no problems".format(*sizes))


format_option = click.option(
    "--format",
    "form",
    type=click.Choice(FORMS),
    default="text",
    show_default=True,
    help="The report's form.",
)
output_option = click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="Write the report to this file."
)


@main.command()
@click.argument("revisions", metavar="[BASE..HEAD]", required=False)
@_options(format_option, output_option, through_option)
def diff(revisions: str | None, form: Form, output: Path | None, through: str | None) -> int:
    """What a change of the description would do; contacts nothing.

    BASE alone is compared with the working tree; without revisions, that is compared with where
    the branch left the main one.
    """
    from infra.diff.review import report, verdict
    from infra.report import render
    from infra.report.output import write

    made = report(revisions, through)
    write(render(made, form), output)
    return verdict(made)


@main.command()
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "markdown", "json", "svg"]),
    default="text",
    show_default=True,
    help="The form: svg is a picture for a browser.",
)
@click.option("--live", is_flag=True, help="Look at the gates now, at the sites; changes nothing.")
@_options(output_option, quiet_option)
def roadmap(
    form: Literal["text", "markdown", "json", "svg"],
    output: Path | None,
    live: bool,
    quiet: bool,
) -> None:
    """What is done, what is next and what blocks it; without --live it contacts nothing."""
    from infra.report.output import write
    from infra.roadmap import overview, render

    say = Progress(quiet=quiet or not live)
    with say.heartbeat():
        found = overview(say, _plan if live else None)
    write(render(found, form), output)


@main.command()
@_options(json_option)
def doctor(as_json: bool) -> int:
    """List each prerequisite, found or missing, with the remedy."""
    from infra.doctor import examine, render

    findings = examine()
    click.echo(json.dumps(findings, indent=2) if as_json else render(findings))
    return Exit.ENVIRONMENT if any(f["state"] == "missing" for f in findings) else Exit.OK


@main.group()
def lab() -> None:
    """Three real hosts on this machine."""


@lab.command("up")
@click.option(
    "--also", multiple=True, metavar="HOST", help="A unit's own host too; may be repeated."
)
@click.option("--anew", is_flag=True, help="Remove the lab that is there first, as `down` does.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@_options(through_option, quiet_option)
def lab_up(also: tuple[str, ...], anew: bool, yes: bool, through: str | None, quiet: bool) -> None:
    """Start the lab's hosts, bare until they are deployed: the sites', and units' own hosts that
    have something to run by then."""
    from infra import lab as lab_hosts
    from infra.model import load

    own = [h.id for h in _plan(through).hosts if h.own]
    hosts = lab_hosts.described(load(paths.sites()), (*own, *also))
    if anew and not yes:
        click.confirm("Remove the lab's hosts and all data in them?", abort=True)
    say = Progress(quiet=quiet)
    with say.heartbeat():
        if anew:
            lab_hosts.ensure_engine(say)
            _remove_lab()
        lab_hosts.up(hosts, paths.state(), say)


@lab.command("down")
@click.argument("hosts", nargs=-1)
@click.option("--yes", is_flag=True, help="Do not ask.")
@_options(quiet_option)
def lab_down(hosts: tuple[str, ...], yes: bool, quiet: bool) -> None:
    """Remove the lab with all its data and the state kept of it, or only the named HOSTS."""
    from infra import lab as lab_hosts
    from infra.state import Identities

    what = ", ".join(hosts) or "the lab's hosts"
    if not yes:
        click.confirm(f"Remove {what} and all data in them?", abort=True)
    say = Progress(quiet=quiet)
    for host in hosts:
        lab_hosts.remove(host, paths.state())
        Identities(paths.state()).forget(host)
        say(f"{host} is gone")
    if not hosts:
        _remove_lab()
        say("the lab is gone")


def _remove_lab() -> None:
    """All its hosts, and the state kept of what was deployed there."""
    from infra import lab as lab_hosts
    from infra.state import forget_sites

    lab_hosts.down(paths.state())
    forget_sites(paths.state())


@lab.command("status")
@_options(json_option)
def lab_status(as_json: bool) -> None:
    """Which of the lab's hosts run."""
    from infra import lab as lab_hosts

    rows = lab_hosts.status()
    if as_json:
        click.echo(json.dumps([asdict(row) for row in rows], default=str))
    for row in [] if as_json else rows:
        click.echo(f"{row.id:12} {row.address:15} {'running' if row.running else 'stopped'}")


@lab.command("ssh", context_settings={"ignore_unknown_options": True})
@click.argument("host")
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
@_options()
def lab_ssh(host: str, command: tuple[str, ...]) -> int:
    """A shell on a host of the lab, or one COMMAND."""
    from infra import lab as lab_hosts
    from infra import ssh
    from infra.model import load

    model = load(paths.sites())
    address = lab_hosts.find_described(model, host).address
    user = model.ministry.ssh
    with ssh.connected(
        [(host, address)], user.user, user.port, bootstrap_user=user.bootstrap_user
    ) as connections:
        c = connections[host]
        return subprocess.run(
            ["ssh", *c.options(), f"{c.user}@{c.address}", *command], check=False
        ).returncode


def _run(
    command: str,
    steps: tuple[str, ...],
    site_ids: tuple[str, ...],
    through: str | None,
    as_json: bool,
    quiet: bool,
    verify: bool = False,
    despite: str = "",
) -> int:
    """The commands that change sites differ only in their steps."""
    from infra import deploy as deployment
    from infra import engine as pulumi_engine
    from infra.moves import refuse_unmovable
    from infra.records import carry

    plan = _plan(through)
    refuse_unmovable(plan)
    say = Progress(quiet=quiet)
    with say.heartbeat():
        needs_engine = bool({"images", "containers"} & set(steps))
        engine = pulumi_engine.ensure(say) if needs_engine else None
        with deployment.opened(plan, site_ids, say, command) as run:
            everything = "runtime" in steps and not site_ids
            if {"hosts", "runtime"} & set(steps):  # files alone close a unit at the gateways
                carry.refuse_conflicts(carry.work_of(run), run.hosts if site_ids else ())
            outcome = deployment.execute(run, engine, steps, despite)
            if everything:
                from infra.moves.commands import carry_out_due

                carry_out_due(run, lambda: _plan(through))
                carry.carry_out_due(carry.work_of(run))
            ok = deployment.verify(run) if verify else True
    outcome.seconds = round(say.seconds, 1)
    if as_json:
        click.echo(outcome.as_json())
    else:
        click.echo(outcome.summary())
    return Exit.OK if ok else Exit.FINDINGS


@main.command()
@click.argument(
    "saved", metavar="[PLAN]", required=False, type=click.Path(dir_okay=False, path_type=Path)
)
@click.option("--no-verify", is_flag=True, help="Leave out the compliance checks at the end.")
@click.option(
    "--despite-gates",
    metavar="REASON",
    help="Begin a new wave although a gate does not pass; the reason is kept on record.",
)
@_options(site_option, through_option, json_option, quiet_option)
def deploy(
    saved: Path | None,
    site_ids: tuple[str, ...],
    through: str | None,
    as_json: bool,
    quiet: bool,
    no_verify: bool,
    despite_gates: str | None,
) -> int:
    """Bring the sites to the description, and prove it.

    With a PLAN that `hanoi plan -o` saved: do exactly that, or refuse and say what has moved on.
    """
    from infra.roadmap.entry import reason

    despite = reason(despite_gates)
    if saved is not None:
        from infra import engine as pulumi_engine
        from infra.live.apply import apply

        say, chosen = Progress(quiet=quiet), bool(site_ids or through)
        with say.heartbeat():
            outcome, ok = apply(
                saved,
                lambda: pulumi_engine.ensure(say),
                say,
                options=chosen,
                verify=not no_verify,
                despite=despite,
            )
        click.echo(outcome.as_json() if as_json else outcome.summary())
        return Exit.OK if ok else Exit.FINDINGS
    steps = ("hosts", "images", "containers", "runtime")
    proven = not no_verify
    return _run("deploy", steps, site_ids, through, as_json, quiet, verify=proven, despite=despite)


@main.group()
def move() -> None:
    """Units' applications that move between places with their data (docs/moves.md)."""


unit_argument = click.argument("unit")
app_argument = click.argument("application")


@move.command("status")
@_options(through_option, json_option)
def move_status(through: str | None, as_json: bool) -> None:
    """How far each move is, how far behind its second copy is, and how long users wait."""
    from infra.moves import commands

    commands.status(_plan(through), as_json)


@move.command("run")
@unit_argument
@app_argument
@_options(through_option, quiet_option)
def move_run(unit: str, application: str, through: str | None, quiet: bool) -> None:
    """Continue the move of a unit's APPLICATION, or begin again one that was taken back."""
    from infra.moves import commands

    commands.again(unit, application, lambda: _plan(through), quiet)


@move.command("follow")
@unit_argument
@app_argument
@_options(through_option, quiet_option)
def move_follow(unit: str, application: str, through: str | None, quiet: bool) -> None:
    """Bring the files of APPLICATION's copy that does not serve level now (a deploy does too)."""
    from infra.moves import commands

    commands.follow(unit, application, lambda: _plan(through), quiet)


@move.command("undo")
@unit_argument
@app_argument
@_options(through_option, quiet_option)
def move_undo(unit: str, application: str, through: str | None, quiet: bool) -> None:
    """Bring the users of a unit's APPLICATION back, with what they wrote since the move."""
    from infra.moves import commands

    commands.undo(unit, application, lambda: _plan(through), quiet)


@move.command("lost")
@unit_argument
@app_argument
@click.option("--yes", is_flag=True, help="Do not ask.")
@_options(through_option, quiet_option)
def move_lost(unit: str, application: str, yes: bool, through: str | None, quiet: bool) -> None:
    """Go on with the other place alone, where a unit's own host does not come back."""
    from infra.moves import commands

    commands.lost(unit, application, lambda: _plan(through), quiet, yes)


@move.command("finish")
@unit_argument
@app_argument
@click.option("--yes", is_flag=True, help="Do not ask.")
@_options(through_option, quiet_option)
def move_finish(unit: str, application: str, yes: bool, through: str | None, quiet: bool) -> None:
    """Remove the copy of a unit's APPLICATION that does not serve, for good."""
    from infra.moves import commands

    commands.finish(unit, application, lambda: _plan(through), quiet, yes)


@main.group()
def records() -> None:
    """Records that go from unit to unit, in a merge or a split (docs/moves.md)."""


@records.command("show")
@_options(through_option, json_option)
def records_show(through: str | None, as_json: bool) -> int:
    """What has been carried, or what would come and what stands against it; writes nothing."""
    from infra.model import load
    from infra.records import commands

    return commands.show(load(paths.sites()), _plan(through), as_json)


@records.command("finish")
@unit_argument
@app_argument
@click.option("--yes", is_flag=True, help="Do not ask.")
@_options(through_option, quiet_option)
def records_finish(
    unit: str, application: str, yes: bool, through: str | None, quiet: bool
) -> None:
    """Remove the database of a closed UNIT's APPLICATION, once its records were carried."""
    from infra.records import commands

    commands.finish(_plan(through), unit, application, quiet, yes)


def _tell(found: Found, form: Form) -> int:
    """Print what a look at live sites gave, and the hosts that could not be looked at."""
    from infra.report import render
    from infra.report.output import write

    write(render(found.report, form), None)
    for problem in found.problems:
        click.echo(str(problem), err=True)
    return found.exit_code


@main.command("plan")
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Save the plan for `hanoi deploy FILE`.",
)
@_options(site_option, through_option, format_option, json_option, quiet_option)
def plan_sites(
    site_ids: tuple[str, ...],
    through: str | None,
    output: Path | None,
    form: Form,
    as_json: bool,
    quiet: bool,
) -> int:
    """What a deploy would change at the sites; writes nothing anywhere."""
    from infra import engine as pulumi_engine
    from infra.live import planned

    say = Progress(quiet=quiet)
    with say.heartbeat():
        found = planned(through, site_ids, lambda: pulumi_engine.ensure(say), say, output)
    return _tell(found, "json" if as_json else form)


@main.command()
@_options(site_option, through_option, format_option, json_option, quiet_option)
def drift(
    site_ids: tuple[str, ...], through: str | None, form: Form, as_json: bool, quiet: bool
) -> int:
    """What on the hosts differs from the description, and who probably did it."""
    from infra.live import drifted

    say = Progress(quiet=quiet)
    with say.heartbeat():
        found = drifted(through, site_ids, say)
    return _tell(found, "json" if as_json else form)


@main.command()
@click.option("--yes", is_flag=True, help="Do not ask about host keys.")
@click.option("--accept-host-keys", is_flag=True, help="Record host keys seen for the first time.")
@click.option(
    "--replaced",
    multiple=True,
    metavar="HOST",
    help="HOST was rebuilt on purpose: accept its new identity.",
)
@_options(site_option, json_option, quiet_option)
def bootstrap(
    site_ids: tuple[str, ...],
    as_json: bool,
    quiet: bool,
    accept_host_keys: bool,
    yes: bool,
    replaced: tuple[str, ...],
) -> int:
    """Make fresh hosts ready: the deploy user, SSH, firewall, Docker engine."""
    from infra import deploy as deployment
    from infra import ssh

    deployment.forget_identities(_plan(), replaced)
    if accept_host_keys and (keys := deployment.new_host_keys(_plan(), site_ids)):
        for key in keys:
            click.echo(f"{key.host_id}  {key.kind}  {key.fingerprint}", err=True)
        if not yes and not click.confirm("Are these the hosts' own keys?", err=True):
            return Exit.REFUSED
        ssh.record_host_keys(keys)
    return _run("bootstrap", ("hosts",), site_ids, None, as_json, quiet)


@main.command()
@_options(json_option, quiet_option)
def images(as_json: bool, quiet: bool) -> int:
    """Build what is missing and push it to the registry at the hub."""
    return _run("images", ("images",), (), None, as_json, quiet)


@main.command()
@_options(site_option, through_option, json_option, quiet_option)
def up(site_ids: tuple[str, ...], through: str | None, as_json: bool, quiet: bool) -> int:
    """Containers, networks and volumes only."""
    return _run("up", ("images", "containers"), site_ids, through, as_json, quiet)


@main.command()
@_options(site_option, through_option, json_option, quiet_option)
def configure(site_ids: tuple[str, ...], through: str | None, as_json: bool, quiet: bool) -> int:
    """Hosts, rendered files and runtime objects only."""
    return _run("configure", ("hosts", "runtime"), site_ids, through, as_json, quiet)


@main.command()
@click.option("-k", "expression", metavar="EXPR", help="Only checks whose name matches.")
@click.option("--gate", metavar="NAME", help="Only checks that a roadmap gate names.")
@click.option("--junit", type=click.Path(dir_okay=False, path_type=Path), help="Write JUnit XML.")
@_options(site_option, through_option, json_option, quiet_option)
def verify(
    site_ids: tuple[str, ...],
    through: str | None,
    expression: str | None,
    gate: str | None,
    junit: Path | None,
    as_json: bool,
    quiet: bool,
) -> int:
    """Prove that each site matches: the compliance checks on every host."""
    from infra.verify import verify as run_checks

    say = Progress(quiet=quiet)
    with say.heartbeat():
        report = run_checks(_plan(through), site_ids or None, expression, junit, say, gate=gate)
    click.echo(report.as_json() if as_json else report.text())
    return Exit.OK if report.ok else Exit.FINDINGS


@main.command()
@_options(site_option, through_option, json_option)
def status(site_ids: tuple[str, ...], through: str | None, as_json: bool) -> int:
    """What runs at each site."""
    from infra.status import look, render

    rows = look(_plan(through), site_ids)
    click.echo(json.dumps(rows, indent=2) if as_json else render(rows))
    return Exit.OK if all(r["ok"] for r in rows) else Exit.FINDINGS


@main.command()
@click.argument("host")
@click.argument("container")
@click.option("--tail", default=100, show_default=True, help="How many lines.")
@click.option("-f", "--follow", is_flag=True, help="Go on showing new lines.")
@_options(through_option)
def logs(host: str, container: str, tail: int, follow: bool, through: str | None) -> int:
    """The log of a CONTAINER on a HOST."""
    from infra.status import follow_log

    return follow_log(_plan(through), host, container, tail, follow)


@main.command()
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--volumes", is_flag=True, help="Remove the volumes too: all data is lost.")
@_options(site_option, json_option, quiet_option)
def destroy(site_ids: tuple[str, ...], yes: bool, volumes: bool, as_json: bool, quiet: bool) -> int:
    """Remove containers and networks; data stays in its volumes unless --volumes."""
    from infra import deploy as deployment
    from infra import engine as pulumi_engine

    plan = _plan()
    doomed = deployment.named_for_removal(plan, site_ids, volumes)
    if not yes:
        click.echo("This removes:\n  " + "\n  ".join(doomed), err=True)
        if not click.confirm("Go on?", err=True):
            return Exit.REFUSED
    say = Progress(quiet=quiet)
    with say.heartbeat(), deployment.opened(plan, site_ids, say, "destroy") as run:
        outcome = deployment.destroy(run, pulumi_engine.ensure(say), volumes)
    click.echo(outcome.as_json() if as_json else outcome.summary())
    return Exit.OK


@main.group("sign-on")
def sign_on() -> None:
    """The applications' common sign-on."""


@sign_on.group("user")
def sign_on_user() -> None:
    """Who may sign on, and for which unit (docs/sign-on.md)."""


@sign_on_user.command("add")
@click.argument("unit")
@click.argument("login")
@click.option("--name", required=True, help="The person's name.")
@click.option("--mail", default="", help="The e-mail address.")
@_options(through_option)
def sign_on_user_add(unit: str, login: str, name: str, mail: str, through: str | None) -> None:
    """Let a person of a UNIT sign on, or change what is known of one.

    The password is asked for, or read from standard input as one line.
    """
    from infra import sign_on as users
    from infra.model import load

    if sys.stdin.isatty():
        password = click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    else:
        password = sys.stdin.readline().rstrip("\r\n")
    users.put(load(paths.sites()), _plan(through), unit, (login, name, mail), password)


@sign_on_user.command("remove")
@click.argument("login")
@_options(through_option)
def sign_on_user_remove(login: str, through: str | None) -> None:
    """Let a person sign on no longer, and end what the person is in."""
    from infra import sign_on as users

    users.remove(_plan(through), login)


@sign_on_user.command("list")
@_options(through_option, json_option)
def sign_on_user_list(through: str | None, as_json: bool) -> None:
    """Everybody who may sign on, by unit."""
    from infra import sign_on as users

    rows = users.users(_plan(through))
    if as_json:
        click.echo(json.dumps(rows, indent=2, ensure_ascii=False))
    for row in [] if as_json else rows:
        click.echo(f"{row['unit']:24} {row['login']:20} {row['name']} {row['mail']}".rstrip())


@main.group()
def ci() -> None:
    """Pipelines for GitLab and GitHub, and their comment."""


@ci.command("init")
@click.argument("host", type=click.Choice(["gitlab", "github"]))
@click.option("--branch", metavar="NAME", help="The default branch (default: as git says).")
@_options()
def ci_init(host: Literal["gitlab", "github"], branch: str | None) -> None:
    """Write the pipelines into this repository; what is yours is never overwritten."""
    from infra.ci import init as pipelines

    written, hints = pipelines.write(host, pipelines.repository(branch))
    for file in written:
        click.echo(f"{file.state:9} {file.path}")
    for hint in hints:
        click.echo(hint)


@ci.command("comment")
@click.option(
    "--report",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="The report in the Markdown form.",
)
@click.option("--host", type=click.Choice(["gitlab", "github"]), help="Default: as CI says.")
@click.option("--target", default="diff", show_default=True, help="Which comment it is.")
@click.option("--change", type=click.IntRange(min=1), help="The request's number, as CI says.")
@_options()
def ci_comment(
    report: Path, host: Literal["gitlab", "github"] | None, target: str, change: int | None
) -> None:
    """Keep one comment on a merge or pull request up to date with a report."""
    from infra.ci.comment import comment

    done, warning = comment(report, host, target, change)
    click.echo(f"warning: {done}" if warning else done, err=warning)


main.add_command(unit)


@main.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@_options()
def completion(shell: str) -> None:
    """Print the shell's completion script: `eval "$(hanoi completion bash)"`."""
    from click.shell_completion import get_completion_class

    made = get_completion_class(shell)
    assert made is not None  # the choice above is the list that click knows
    click.echo(made(main, {}, "hanoi", "_HANOI_COMPLETE").source())


if __name__ == "__main__":
    main()
