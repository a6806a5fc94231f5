"""What stands for a unit's Mayan EDMS where it must not work: its other copy has the same database.
  web, worker      wait until the container is stopped
  alive, working   well
Nothing here knows of the database or of Mayan, so two copies never work on one of them.
"""

import signal
import sys


def main(arguments):
    if arguments in (["alive"], ["working"]):
        return
    if arguments not in (["web"], ["worker"]):
        raise SystemExit("this copy waits; its other one is asked instead")
    print("waiting: this is not the copy that works", flush=True)
    signal.sigwait({signal.SIGTERM, signal.SIGINT})


if __name__ == "__main__":
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
    main(sys.argv[1:])
