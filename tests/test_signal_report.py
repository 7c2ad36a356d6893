"""A signal as a table, as JSON and as a picture."""

import json
import math
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bnlint.errors import UsageError
from bnlint.facts.types.signal import Signal, from_json, in_digits, to_json
from bnlint.report import signal_json, signal_plot, signal_table
from bnlint.style import Style
from bnlint.typed_json import Malformed
from tests.signals import geometric, linear, signal

HEALTHY = signal(
    [*linear(3), *linear(9)],
    stages={0: 1, 3: 2},
    branch=0.7,
    expected=2.0,
    expected_branch=0.682,
    path=str(Path("models/net.py").absolute()),
    line=17,
)
EXPLODES = signal([*geometric(16, 1.9), math.inf, math.nan], normalised=False)
DEEP = signal([value % 40 for value in linear(199)], stages={0: 1, 50: 2, 100: 3, 150: 4})


def test_digits_are_short() -> None:
    shown = [in_digits(v) for v in (0, 0.68171, 36, 169.2, 7104.0, 6.8e25, -1.4e-15)]
    assert shown == ["0", "0.682", "36", "169", "7100", "6.8e25", "-1.4e-15"]
    assert [in_digits(v) for v in (math.inf, -math.inf, math.nan)] == ["inf", "-inf", "nan"]
    assert [in_digits(v, zeros=True) for v in (0, 36, 169, 1e6)] == ["0", "36.0", "169", "1.00e6"]


@given(st.floats(-1e300, 1e300), st.integers(1, 6))
def test_digits_say_what_the_number_is(value: float, digits: int) -> None:
    for zeros in (False, True):
        shown = in_digits(value, digits, zeros=zeros)
        assert float(shown) == pytest.approx(value, rel=0.51 * 10 ** (1 - digits))
        assert len(shown) <= digits + 7


@pytest.mark.parametrize("made", [HEALTHY, EXPLODES, signal([])])
def test_a_signal_survives_strict_json(made: Signal) -> None:
    text = json.dumps(to_json(made), allow_nan=False)
    back = from_json(json.loads(text))
    assert repr(back) == repr(made)  # as a number that is none differs from itself


def test_other_json_is_refused() -> None:
    with pytest.raises(Malformed):
        from_json(to_json(HEALTHY) | {"other": 1})
    with pytest.raises(Malformed):
        from_json({"model": "Net"})


# -- table -------------------------------------------------------------------------------------


def test_a_table_shows_the_ends_of_each_stage_and_the_growth_between() -> None:
    lines = signal_table.text(HEALTHY, Style()).splitlines()
    assert lines[:9] == [
        "Signal of `Net`: 12 residual additions, train mode, input 8x3x32x32 float32",
        "",
        "block                           sq. mean  variance  expected    branch  expected",
        "stage 1",
        "t blocks.0                         0.136      1.36      2.00     0.700     0.682",
        "  blocks.1                         0.204      2.04      2.00     0.700     0.682",
        "  blocks.2                         0.272      2.72      2.00     0.700     0.682",
        "stage 2",
        "t blocks.3                         0.136      1.36      2.00     0.700     0.682",
    ]
    assert lines[9] == "  ... 7 more, +0.68 per block"
    assert lines[10].startswith("  blocks.11 ")
    assert lines[-2] == "Healthy: the variance grows linearly within the stages and is reset at 1"


def test_a_table_shows_all_blocks_when_asked() -> None:
    text = signal_table.text(HEALTHY, Style(), every=True)
    assert all(f" blocks.{number} " in text for number in range(12))
    assert "more" not in text


def test_a_table_without_theory_has_no_column_for_it() -> None:
    text = signal_table.text(EXPLODES, Style())
    assert "xpected" not in text
    assert "... 16 more, times 1.9 per block" in text  # up to the overflow
    assert "nan" in text
    assert "overflows in `blocks.16`" in " ".join(text.split())
    assert "help: normalise each residual branch" in text


def test_growth_of_an_explosion_is_a_factor() -> None:
    text = signal_table.text(signal(geometric(16, 1.9)), Style())
    assert "  ... 14 more, times 1.9 per block" in text


def test_a_deep_network_fits_a_screen() -> None:
    lines = signal_table.text(DEEP, Style()).splitlines()
    assert len(lines) < 30


@pytest.mark.parametrize("width", [None, 40, 72, 80, 200])
@pytest.mark.parametrize("made", [HEALTHY, EXPLODES, DEEP, signal([])])
def test_a_table_fits_the_terminal(made: Signal, width: int | None) -> None:
    name = "encoder.layers.stage2.blocks.7.residual.branch"
    long = Signal(name, made.inputs, tuple(block_named(block, name) for block in made.blocks))
    for line in signal_table.text(long, Style(width=width)).splitlines():
        assert len(line) <= max(min(width or 80, 80), 72), line


def block_named(block: object, name: str) -> object:
    from dataclasses import replace

    return replace(block, name=f"{name}.{block.addition}")  # type: ignore[type-var,attr-defined]


def test_what_was_not_measured_is_said() -> None:
    partial = Signal("Net", ("1x3 float32",), HEALTHY.blocks, problems=("`view` failed",))
    assert "Incomplete: `view` failed" in signal_table.text(partial, Style())


def test_an_input_that_nobody_gave_is_said_to_be_guessed() -> None:
    assert "(guessed; give another with --input)" in unbroken(
        signal_table.text(DEEP, Style(), guessed=True)
    )
    assert "guessed" not in signal_table.text(DEEP, Style())


def unbroken(text: str) -> str:
    return " ".join(text.split())


def test_a_picture_of_one_network_has_its_verdict_and_its_stages() -> None:
    figure = signal_plot._figure({"net": DEEP})
    said = unbroken(figure.get_suptitle())
    assert said and unbroken(signal_table.text(DEEP, Style())).count(said.split(":")[0])
    for axes in figure.axes:
        vertical = [line for line in axes.lines if len(set(line.get_xdata())) == 1]
        assert [line.get_xdata()[0] for line in vertical] == [50.5, 100.5, 150.5]
    several = signal_plot._figure({"net": DEEP, "other": HEALTHY})
    assert several.get_suptitle() == ""


def test_colours_mark_verdicts() -> None:
    look = Style(colour=True)
    assert "\x1b[32;1mHealthy\x1b[0m" in signal_table.text(HEALTHY, look)
    assert "\x1b[31;1mExplodes\x1b[0m" in signal_table.text(EXPLODES, look)


# -- JSON --------------------------------------------------------------------------------------


def test_json_has_the_verdict_and_all_blocks() -> None:
    data = json.loads(signal_json.text(HEALTHY))
    assert list(data) == ["model", "inputs", "normalizer_free", "problems", "verdict", "blocks"]
    assert data["verdict"]["pattern"] == "healthy"
    assert len(data["blocks"]) == 12
    first = data["blocks"][0]
    assert (first["name"], first["path"], first["line"]) == ("blocks.0", "models/net.py", 17)
    assert (first["variance"], first["expected"], first["transition"]) == (1.36, 2.0, True)


def test_json_writes_overflow_as_text() -> None:
    variances = [b["variance"] for b in json.loads(signal_json.text(EXPLODES))["blocks"][-2:]]
    assert variances == ["Infinity", "NaN"]


# -- pictures ----------------------------------------------------------------------------------


@pytest.fixture
def drawn(tmp_path: Path) -> Callable[..., bytes]:
    pytest.importorskip("matplotlib")

    def draw(name: str, **signals: Signal) -> bytes:
        signal_plot.save(signals, tmp_path / name)
        return (tmp_path / name).read_bytes()

    return draw


BEGINNINGS = {"svg": b"<?xml", "png": b"\x89PNG", "pdf": b"%PDF"}


@pytest.mark.parametrize("ending", BEGINNINGS)
def test_pictures_are_the_same_each_time(drawn: Callable[..., bytes], ending: str) -> None:
    first = drawn(f"a.{ending}", one=HEALTHY, two=EXPLODES)
    assert first.startswith(BEGINNINGS[ending])
    assert drawn(f"b.{ending}", one=HEALTHY, two=EXPLODES) == first


def test_a_small_picture_is_a_small_file(drawn: Callable[..., bytes]) -> None:
    assert len(drawn("a.svg", one=HEALTHY)) < 100_000


@pytest.mark.parametrize(
    "made",
    [
        HEALTHY,
        EXPLODES,
        DEEP,
        signal([1.0]),
        signal([0.0, 0.0]),
        signal([math.inf]),
        signal([math.nan, math.nan]),
        signal([1.0] * 9, branch=0.0, expected=1.0, expected_branch=0.0),
    ],
)
def test_any_signal_can_be_drawn(drawn: Callable[..., bytes], made: Signal) -> None:
    assert drawn("a.svg", one=made)
    assert drawn("b.svg", one=made, two=HEALTHY, three=EXPLODES)


def test_an_exploding_network_leaves_the_panel_that_others_share() -> None:
    lines = [[block.variance for block in made.blocks] for made in (HEALTHY, EXPLODES)]
    shared = signal_plot._scale(lines, [HEALTHY, EXPLODES])
    alone = signal_plot._scale(lines[1:], [EXPLODES])
    assert not shared.logarithmic
    assert max(lines[0]) < (shared.top or 0) < 2 * max(lines[0])
    assert alone.logarithmic
    assert 1.9**15 < (alone.top or 0) < math.inf


@pytest.mark.parametrize(("heights", "logarithmic"), [((1, 90), False), ((2, 900), True)])
def test_networks_of_different_sizes_share_a_logarithmic_panel(
    heights: tuple[float, float], logarithmic: bool
) -> None:
    lines = [[height / 2, height] for height in heights]
    scale = signal_plot._scale(lines, [signal(line) for line in lines])
    assert scale.logarithmic is logarithmic


def test_what_cannot_be_drawn_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match=r"must end in .svg, .png or .pdf"):
        signal_plot.save({"one": HEALTHY}, tmp_path / "a.jpeg")
    with pytest.raises(UsageError, match="no residual additions"):
        signal_plot.save({"one": signal([])}, tmp_path / "a.svg")
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(UsageError, match=r"pip install matplotlib"):
        signal_plot.save({"one": HEALTHY}, tmp_path / "a.svg")
    assert list(tmp_path.iterdir()) == []
