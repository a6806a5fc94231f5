"""A unit's application moved between places with its data, while its users work.

The data is copied by PostgreSQL's logical replication while the first place goes on serving.
Then the gateways ask the unit's users to wait, the rest follows, both copies are compared, and
the gateways send the users to the second place; from then on the first one is kept up to date
the other way round, until somebody says that it may go. Where both places have one database, only
files go along, and two instances take turns. Steps are in steps.py, what is done about rows in
rows.py, what is asked of PostgreSQL in sql.py, its two ends in ends.py, files in files.py, whose
turn it is in turns.py, and record.py remembers how far a move has come.
"""

from __future__ import annotations

from infra.moves.carry import carry_out, due, finish, refuse_unmovable, undo
from infra.moves.record import Move, MoveRecord
from infra.moves.status import Progressed, status

__all__ = [
    "Move",
    "MoveRecord",
    "Progressed",
    "carry_out",
    "due",
    "finish",
    "refuse_unmovable",
    "status",
    "undo",
]
