"""What ssh said, as errors an operator can act on."""

from __future__ import annotations

from infra.errors import Exit, HanoiError, Problem

LOST = 255  # ssh's own exit code; remote programs must not use it


def denied(stderr: str) -> bool:
    return "Permission denied (" in stderr or "Too many authentication failures" in stderr


def problem(host_id: str, address: str, user: str, stderr: str) -> Problem:
    """Why a connection could not be made, from ssh's message."""
    where = f"{host_id} ({address})"
    if "REMOTE HOST IDENTIFICATION HAS CHANGED" in stderr:
        return Problem(
            where,
            "HN-C003",
            "the host shows another key than the recorded one",
            "if the host was installed anew: hanoi bootstrap --replaced "
            f"{host_id}; if not, somebody may be in between: do not go on",
        )
    if "host key is known for" in stderr or "Host key verification failed" in stderr:
        return Problem(
            where,
            "HN-C002",
            "the host's key is not recorded, so the host cannot be told from another",
            "compare and record it: hanoi bootstrap --accept-host-keys",
        )
    if denied(stderr):
        return Problem(
            where,
            "HN-C004",
            f"the host refuses the key for user {user}",
            "give the right key in HANOI_SSH_KEY or your SSH agent; "
            "a host without the toolkit's user: hanoi bootstrap",
        )
    return Problem(
        where,
        "HN-C001",
        f"the host cannot be reached: {last_line(stderr) or 'no answer'}",
        "check that the host runs and that SSH to it is allowed from here, then run again",
    )


def lost(host_id: str, address: str, stderr: str) -> HanoiError:
    return HanoiError(
        Problem(
            f"{host_id} ({address})",
            "HN-C005",
            f"the connection broke: {last_line(stderr) or 'closed by the other end'}",
            "check the host and the network, then run the command again: it continues",
        ),
        Exit.UNREACHABLE,
    )


def timed_out(host_id: str, address: str, seconds: float) -> HanoiError:
    return HanoiError(
        Problem(
            f"{host_id} ({address})",
            "HN-C006",
            f"no answer within {seconds:g} s",
            "look at the host's load and disk (hanoi ssh), then run the command again",
        ),
        Exit.UNREACHABLE,
    )


def no_sudo(host_id: str, address: str, user: str) -> HanoiError:
    return HanoiError(
        Problem(
            f"{host_id} ({address})",
            "HN-C007",
            f"user {user} may not become root without a password",
            "run: hanoi bootstrap (it allows sudo for the toolkit's user)",
        ),
        Exit.FAILED,
    )


def no_client(program: str) -> HanoiError:
    return HanoiError(
        Problem("this machine", "HN-C008", f"{program} is not installed", "install openssh-client"),
        Exit.ENVIRONMENT,
    )


def program_failed(host_id: str, address: str, stderr: str) -> HanoiError:
    return HanoiError(
        Problem(
            f"{host_id} ({address})",
            "HN-C009",
            f"a step on the host failed: {last_line(stderr) or 'it gave no answer'}",
            "put right what is named here and run the command again",
        ),
        Exit.FAILED,
    )


def last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:300] if lines else ""
