"""Where on a picture of the roadmap each day and bar is: geometry alone, no drawing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from infra.roadmap.content import WaveView

NEAR = timedelta(days=366)  # so far from the waves the picture stretches to show today
OPEN = timedelta(days=60)  # drawn of a wave that has only one of its two dates
MOST = 14  # labels that fit on the axis


@dataclass(frozen=True)
class Tick:
    x: float
    label: str


@dataclass(frozen=True)
class Bar:
    """open: the date on that side is not known ("start", "end" or "")."""

    x: float
    width: float
    open: str

    @property
    def end(self) -> float:
        return self.x + self.width


@dataclass(frozen=True)
class Timeline:
    """first, last: the days at the left and right edge, at x = left and x = right."""

    first: date
    last: date
    left: float
    right: float

    def x(self, day: date) -> float:
        share = (day - self.first).days / max(1, (self.last - self.first).days)
        return round(self.left + share * (self.right - self.left), 1)

    def shows(self, day: date) -> bool:
        return self.first <= day <= self.last

    def bar(self, view: WaveView) -> Bar | None:
        """None for a wave without dates."""
        span = _span(view)
        if span is None:
            return None
        unknown = "" if view.starts and view.ends else "end" if view.starts else "start"
        x = self.x(span[0])
        return Bar(x, round(max(6.0, self.x(span[1]) - x), 1), unknown)

    def ticks(self) -> tuple[Tick, ...]:
        """Months, quarters or years: the finest that are not too many."""
        for step in (1, 3, 12, 60, 240, 1200, 12000):
            days = list(self._firsts(step))
            if len(days) <= MOST:
                return tuple(Tick(self.x(d), _label(d, step)) for d in days)
        return ()

    def _firsts(self, months: int) -> Iterator[date]:
        """The first days of every so many months that the picture shows."""
        number = self.first.year * 12 + self.first.month - 1
        number = -(-number // months) * months
        while number < 9999 * 12:
            day = date(number // 12, number % 12 + 1, 1)
            if day > self.last:
                return
            if day >= self.first:
                yield day
            number += months


def timeline(views: Sequence[WaveView], today: date, left: float, right: float) -> Timeline:
    """From the first day of any wave to the last, and today where it is near."""
    spans = [s for s in map(_span, views) if s]
    if not spans:
        return Timeline(_moved(today, -OPEN), _moved(today, OPEN), left, right)
    first, last = min(s[0] for s in spans), max(s[1] for s in spans)
    if _moved(first, -NEAR) <= today <= _moved(last, NEAR):
        first, last = min(first, today), max(last, today)
    rest = timedelta(days=max(7, (last - first).days // 40))
    return Timeline(_moved(first, -rest), _moved(last, rest), left, right)


def _span(view: WaveView) -> tuple[date, date] | None:
    if view.starts and view.ends:
        return view.starts, view.ends
    if view.starts:
        return view.starts, _moved(view.starts, OPEN)
    return (_moved(view.ends, -OPEN), view.ends) if view.ends else None


def _moved(day: date, by: timedelta) -> date:
    """Within the calendar's ends."""
    try:
        return day + by
    except OverflowError:
        return date.min if by < timedelta() else date.max


def _label(day: date, months: int) -> str:
    if months == 1:
        return f"{day.month:02}/{day.year}"
    return f"Q{(day.month + 2) // 3} {day.year}" if months == 3 else str(day.year)
