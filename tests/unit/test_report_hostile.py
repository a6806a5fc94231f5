"""What a description or a file holds never becomes structure, a notification or a command."""

from __future__ import annotations

import json
import re
import sys
import unicodedata

import pytest
from report_forms import everywhere, html, markdown
from rich.cells import cell_len

from infra.report import render
from infra.report.mermaid import mermaid
from infra.report.words import visible

HOSTILE = {
    "html": "<script>alert(1)</script><img src=x onerror=alert(2)>",
    "attribute": "\" onclick=\"x\" '><b>",
    "entity": "&lt;b&gt; &#64;someone &amp;copy",
    "details": "</summary></details><details open>",
    "comment": "--> <!-- hanoi-report: other -->",
    "table": "a | b || c \\| d \\\\| e",
    "table line": "x\n|---|---|\n| y | z |",
    "fence": "```\n</details>\n```",
    "long fence": "`````` and ~~~~~~",
    "backtick": "`",
    "emphasis": "**bold** _it_ ~~gone~~ *",
    "link": "[click](javascript:alert(1)) ![x](http://a.example/x.png) [a]: http://b.example",
    "autolink": "see https://a.example/issues/1, www.a.example and <http://b.example>",
    "people": "@someone @org/team (@a) x@b.example",
    "issues": '#123 org/repo#4 GH-7 !12 $3 %4 %"m" &5 ~6 ~"l" ^alert#9 [vulnerability:1]',
    "emoji": ":tada: :+1:",
    "quick action": "/merge",
    "quick action line": "x\n/close\n/assign @someone",
    "heading": "# big\n\n## bigger\n---\n- [ ] item\n1. one\n> quote",
    "include": "::include{file=/etc/passwd}\n:::\n$$x$$\n[[_TOC_]]",
    "runner command": "::error::bad\n::add-mask::x\n##[group]y",
    "ansi": "\x1b[31mred\x1b]0;title\x07\x9b2J",
    "controls": "a\x00b\x08c\rd\te\x7ff\x85g",
    "right to left": "safe\u202egnp.exe\u2066x\u2069",
    "invisible": "ad\u200bmin\u00ad\ufeff\u2028x\U000e0041y",
    "surrogate": "half \ud83d only",
    "template": "{{ 7 * 7 }} {% raw %} ${{ github.token }}",
    "mermaid": '"]; click n0 "javascript:alert(1)"\nend\n%%{init: {}}%%',
    "spaces": "  both sides  ",
    "list": "- 1. + item",
    "wide": "漢字" * 60,
    "decomposed": unicodedata.normalize("NFD", "Nguyễn Du, Trần Duy Hưng"),
    "endless word": "x" * 5000,
}  # fmt: skip
SIGNS = re.compile(
    r"[@#!$%&~^][\w\"]|\w@\w|://|www\.|::|:\w+:|GH-\d|\[\w+:\d", re.ASCII | re.IGNORECASE
)
COMMAND = re.compile(r"^\s*::|^/[a-z]|##\[", re.MULTILINE)
hostile = pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())


def hidden(text: str) -> list[str]:
    """Characters of the text that nobody sees, but for line ends and a diff's tabs."""
    found = (c for c in text if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp"))
    return sorted({c for c in found} - {"\n", "\t"})


@hostile
def test_markdown_keeps_the_structure_of_a_harmless_report(text: str) -> None:
    made = render(everywhere(text), "markdown")
    seen, harmless = markdown(made), markdown(render(everywhere("harmless"), "markdown"))
    assert seen.tags == harmless.tags
    assert seen.comments == harmless.comments == [" hanoi-report: diff "]
    prose = "\n".join(seen.prose).replace("[!CAUTION]", "")
    assert SIGNS.findall(prose) == []
    assert COMMAND.findall(made) == []
    assert set(hidden(made)) <= {"\u200b"}


@hostile
def test_the_page_keeps_the_structure_of_a_harmless_report(text: str) -> None:
    made = render(everywhere(text), "html")
    seen, harmless = html(made), html(render(everywhere("harmless"), "html"))
    assert [t for t in seen.tags if t != "span class"] == [
        t for t in harmless.tags if t != "span class"
    ]
    assert seen.comments == []
    assert hidden(made) == []
    made.encode()


@hostile
def test_text_has_100_columns_and_no_escape_sequence(text: str) -> None:
    made = render(everywhere(text), "text")
    assert [line for line in made.split("\n") if cell_len(line) > 100] == []
    assert hidden(made) == []
    assert re.findall(r"^\s*(::|##\[)", made, re.MULTILINE) == []
    coloured = render(everywhere(text), "text", colour=True)
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == made
    assert coloured != made


@hostile
def test_json_gives_the_text_back(text: str) -> None:
    made = render(everywhere(text), "json")
    made.encode()
    assert json.loads(made)["base"] == text
    assert set(hidden(made)) <= {"\u00ad", "\U000e0041"}


@hostile
def test_mermaid_has_only_lines_of_its_own(text: str) -> None:
    line = re.compile(
        r"flowchart TB|  end|    end|      direction LR"
        r'|  subgraph s\d+\["[^"\n`<>{}%]+"\]|    subgraph h\d+\["[^"\n`<>{}%]+"\]'
        r'|      n\d+\["[^"\n`<>{}%]+<br/>[^"\n`<>{}%]+"\]:::[a-z]+_'
        r"|  classDef [a-z]+_ fill:#[0-9a-f]{6},color:#[0-9a-f]{6},stroke:#[0-9a-f]{6}"
    )
    source = mermaid(everywhere(text))
    assert source.startswith("flowchart TB\n")
    assert [x for x in source.removesuffix("\n").split("\n") if not line.fullmatch(x)] == []


def test_what_cannot_be_seen_is_spelled_out() -> None:
    assert visible("a\x1b[0m\n\u202eb\x00") == r"a\e[0m\n\u{202e}b\x00"
    assert visible("a\n\tb\r", lines=True) == "a\n\tb\\r"
    assert visible("Nguyễn Du · đường 漢字 🏛") == "Nguyễn Du · đường 漢字 🏛"
    # Every character that Unicode calls a control or format, of all there are.
    everything = (chr(n) for n in range(sys.maxunicode + 1))
    unseen = [c for c in everything if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp")]
    assert len(unseen) > 2000
    assert [hex(ord(c)) for c in unseen if visible(c) == c] == []


def test_a_diff_of_a_file_with_fences_stays_in_one_block() -> None:
    from reports import report

    from infra.report.content import Change

    text = "@@ -1,3 +1,2 @@\n ````\n-```\n+</details>\nno sign\n ::error::x\n"
    made = render(report([Change("file", "/x", "update", "nd-1", diff=text)]), "markdown")
    block = made[made.index("`````diff") :]
    assert block.startswith(
        "`````diff\n@@ -1,3 +1,2 @@\n ````\n-```\n+</details>\n no sign\n :\u200b:error::x\n`````\n"
    )
