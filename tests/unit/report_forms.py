"""Reading a report's forms back: the structure that a browser or a Markdown host would see."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

from markdown_it import MarkdownIt
from reports import report

from infra.report.content import (
    Capacity,
    Change,
    CheckChange,
    DataChange,
    Finding,
    Interruption,
    OpeningChange,
    Property,
    Report,
    Summary,
    Touched,
)

VOID = {"br", "meta", "rect", "path", "hr", "img", "input", "link"}


@dataclass
class Seen(HTMLParser):
    """tags: every element opened, in order, with its attributes' names; prose, code: the text
    outside and inside of what is shown as code; open: elements never closed."""

    tags: list[str] = field(default_factory=list)
    prose: list[str] = field(default_factory=list)
    code: list[str] = field(default_factory=list)
    open: list[str] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)

    def handle_starttag(self, tag, attributes):
        self.tags.append(" ".join([tag, *sorted(name for name, _ in attributes)]))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag in VOID:
            return
        assert self.open and self.open[-1] == tag, f"</{tag}> closes {self.open[-3:]}"
        self.open.pop()

    def handle_data(self, data):
        inside = {"code", "pre", "style"} & set(self.open)
        (self.code if inside else self.prose).append(data)

    def handle_comment(self, data):
        self.comments.append(data)


def html(text: str) -> Seen:
    """A page as seen. Fails where elements are not closed in order."""
    seen = Seen()
    seen.feed(text)
    seen.close()
    assert seen.open == []
    return seen


def markdown(text: str) -> Seen:
    """A comment as seen after GitHub-flavoured rendering."""
    rendered = MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(text)
    assert unfinished(text) == []
    return html(rendered)


def unfinished(text: str) -> list[str]:
    """Fences that no line closes (a renderer would close them at the end in silence)."""
    fence = ""
    for line in text.split("\n"):
        match = re.match(r"^(`{3,})", line)
        if match and not fence:
            fence = match[1]
        elif fence and line == fence:
            fence = ""
    return [fence] if fence else []


def everywhere(text: str) -> Report:
    """A report with the text in every place that a description or a file can fill."""
    t = text
    properties = (Property(t, t, t), Property(t, None, t), Property(t, t, None))
    changes = [
        Change(t, t, "replace", t, t, t, properties, f"@@ -1 +1 @@\n-{t}\n+{t}\n", (t,), (t,)),
        Change(t, t, "rename", t, t, t, properties[:1], "", (t,)),
        Change(t, t, "create", "", "", t, properties),
        Change("container", t, "delete", t, t, t),
    ]
    summary = Summary(
        touched=tuple(Touched(k, t, t, f"{t}x", (t, t)) for k in ("unit", "application", "site")),
        interruptions=(Interruption(t, t, 5, t, t),),
        data=(DataChange(t, "deleted", t, (t,)),),
        openings=(OpeningChange(t, 443, t, t, (t,), (t, "0.0.0.0/0")),),
        capacity=(Capacity(t, t, 1, 2, 3),),
        waves=(t,),
        checks=(CheckChange(t, t, "create", (t,)),),
        findings=tuple(Finding(t, s, t, t, t, t) for s in ("refused", "danger", "note")),
        unknown=(t,),
    )
    made = report(changes, summary, base=t, head=t)
    return Report(made.source, t, t, t, f"{t}y", made.summary, made.changes, ((t, t), ("other", t)))
