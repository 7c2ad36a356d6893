"""``bnlint timeline``: what the rehearsal of a script saw, in order."""

import gc
import sys

import click

from bnlint.cli.check import asked_for
from bnlint.cli.options import TimelineOptions
from bnlint.cli.progress import Bar
from bnlint.cli.reporting import require_matplotlib, require_place_for
from bnlint.cli.terminal import look_for
from bnlint.lint import atomic_writing, engine
from bnlint.report import timeline_json, timeline_text
from bnlint.report.pictures import require_ending
from bnlint.visible import visible


def timeline(options: TimelineOptions) -> int:
    """Rehearse, print the runs and draw them; the exit status is 0 whatever was found."""
    gc.disable()
    for place in filter(None, (options.output, options.plot)):
        require_place_for(place)
    if options.plot is not None:
        require_ending(options.plot)
        require_matplotlib()
    found, plan, _ = asked_for(options)
    with Bar() as progress:
        result = engine.lint(found.targets, plan, progress)
    look = look_for(sys.stdout, options.output, ())
    json = options.form == "json"
    text = timeline_json.text(result) if json else timeline_text.text(result, look)
    if options.output is not None:
        atomic_writing.write_text(options.output, text)
    else:
        click.echo(text, nl=False, color=look.colour)
    if options.plot is not None:
        from bnlint.report import timeline_plot

        timeline_plot.save(result, options.plot)
        click.echo(visible(f"Wrote {options.plot}."), err=True)
    return 0
