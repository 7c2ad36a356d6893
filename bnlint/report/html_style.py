"""How the page of ``--format html`` looks: light and dark, each pair of colours with a contrast of at least 4.5."""

from collections.abc import Mapping

LIGHT = {
    "paper": "#ffffff",
    "ink": "#1d2129",
    "faint": "#57606a",
    "link": "#0a5bb5",
    "raised": "#f5f7f9",
    "line": "#d0d7de",
    "mark": "#fff1b8",
    "error": "#b42318",
    "warning": "#8a5300",
    "advice": "#0b6477",
    "add": "#dafbe1",
    "del": "#ffe3e0",
}
DARK = {
    "paper": "#15181d",
    "ink": "#e4e8ee",
    "faint": "#a1abb8",
    "link": "#79b8ff",
    "raised": "#1f242b",
    "line": "#3a424d",
    "mark": "#5a4a10",
    "error": "#ff8d84",
    "warning": "#f0b44c",
    "advice": "#62c9dd",
    "add": "#12391f",
    "del": "#4a1a1a",
}
PAIRS = (
    *((ink, "paper") for ink in ("ink", "faint", "link", "error", "warning", "advice")),
    *((ink, "raised") for ink in ("ink", "faint", "link", "error", "warning", "advice")),
    *(("ink", paper) for paper in ("mark", "add", "del")),
    *(("faint", paper) for paper in ("add", "del")),
)
"""Which colours stand on which."""


def _variables(colours: Mapping[str, str]) -> str:
    return " ".join(f"--{name}: {colour};" for name, colour in colours.items())


STYLE = f"""
:root {{ {_variables(LIGHT)} }}
@media (prefers-color-scheme: dark) {{ :root {{ {_variables(DARK)} }} }}
* {{ box-sizing: border-box; }}
body {{ background: var(--paper); color: var(--ink); font: 1rem/1.5 system-ui, sans-serif;
  margin: 0 auto; max-width: 62rem; padding: 1rem; }}
a {{ color: var(--link); }}
:focus-visible {{ outline: 3px solid var(--link); outline-offset: 2px; }}
h1 {{ font-size: 1.6rem; }} h2 {{ font-size: 1.3rem; margin-top: 2.5rem; }}
h3 {{ font: 600 1rem/1.5 ui-monospace, monospace; overflow-wrap: anywhere; }} h4 {{ font-size: 1rem; margin: 0; }}
nav ul {{ display: flex; flex-wrap: wrap; gap: .25rem 1.5rem; list-style: none; padding: 0; }}
.count, .place, .number, footer {{ color: var(--faint); }}
.place {{ font-weight: 400; }}
article {{ background: var(--raised); border: 1px solid var(--line); border-left-width: 4px; border-radius: 4px;
  margin: 1rem 0; padding: .75rem 1rem; }}
article.error {{ border-left-color: var(--error); }} article.warning {{ border-left-color: var(--warning); }}
article.advice {{ border-left-color: var(--advice); }}
.level {{ font-size: .8rem; text-transform: uppercase; }}
.level.error, .mode.unknown {{ color: var(--error); }} .level.warning, .mode.train {{ color: var(--warning); }}
.level.advice, .mode.eval {{ color: var(--advice); }}
pre {{ background: var(--paper); border: 1px solid var(--line); border-radius: 4px; margin: .5rem 0; overflow-x: auto;
  padding: .5rem; }}
code {{ font: .9rem/1.5 ui-monospace, monospace; overflow-wrap: anywhere; }} pre code {{ overflow-wrap: normal; }}
mark {{ background: var(--mark); color: var(--ink); }}
.row {{ display: inline-block; min-width: 100%; }} .add {{ background: var(--add); }} .del {{ background: var(--del); }}
summary {{ cursor: pointer; margin: .5rem 0; }}
[role=group]:has(table) {{ overflow-x: auto; }}
table {{ border-collapse: collapse; font-size: .9rem; width: 100%; }}
th, td {{ border-bottom: 1px solid var(--line); padding: .2rem .6rem; text-align: left; vertical-align: top; }}
.figure {{ max-height: 40rem; overflow: auto; }}
.graph text {{ fill: var(--ink); font: 12px ui-monospace, monospace; white-space: pre; }}
.graph path {{ fill: none; stroke: var(--faint); }} .graph circle {{ fill: var(--faint); }}
.graph .norm circle {{ fill: var(--advice); }}
.graph .reported circle {{ fill: var(--error); }} .graph .reported text {{ fill: var(--error); font-weight: 600; }}
@media print {{ article {{ break-inside: avoid; }} }}
"""
