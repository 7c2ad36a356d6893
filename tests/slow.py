"""Which tests are slow: ``pytest -m "not slow"`` leaves them out (measured: 114 s of processor time).

They were chosen by the processor time that they take. What is sampled are tests with many blocks or
programs of one kind: of those of each rule, page and section the first one is quick.
"""

from collections.abc import Iterable

import pytest

SLOW = frozenset(
    """
    tests/attacks/
    tests/evidence/
    tests/test_api.py::test_a_model_is_traced_and_left_as_it_was
    tests/test_api.py::test_a_model_that_fails_says_where_and_stays_as_it_was
    tests/test_api.py::test_exploding_signals_are_reported_when_asked_for
    tests/test_api.py::test_findings_point_into_the_source_of_the_class
    tests/test_api.py::test_rules_can_be_chosen
    tests/test_bad_input.py::test_a_file_of_many_lines
    tests/test_bad_input.py::test_any_module_can_be_linted
    tests/test_batch_checks.py::test_one_value_raises_and_two_become_signs
    tests/test_budgets.py::test_a_longer_script_has_more_steps
    tests/test_budgets.py::test_functions_that_nothing_calls_do_not_cost_each_other_their_steps
    tests/test_checks_quality.py::test_the_tool_has_no_complaint[mypy]
    tests/test_claims.py::
    tests/test_cli.py::test_a_closed_pipe_is_quiet
    tests/test_cli.py::test_a_terminal_gets_colours_and_broken_lines
    tests/test_cli_trace.py::
    tests/test_evaluation_properties.py::
    tests/test_fixes_heal.py::
    tests/test_gitignore.py::test_patterns_mean_what_git_means
    tests/test_graph_checks.py::
    tests/test_guards.py::test_a_guard_of_
    tests/test_heap_restored.py::
    tests/test_initialisation.py::test_activations_make_of_moments_what_torch_does
    tests/test_interpreter_paths.py::test_what_never_ends_ends_here
    tests/test_interpreter_properties.py::
    tests/test_language_server.py::test_fixes_
    tests/test_language_server.py::test_the_projects_
    tests/test_language_server.py::test_what_
    tests/test_mcp_server.py::test_an_agent_
    tests/test_memory.py::
    tests/test_messages.py::test_messages_read_alike[BN204]
    tests/test_messages.py::test_messages_read_alike[BN216]
    tests/test_messages.py::test_messages_read_alike[BN808]
    tests/test_pages.py::test_a_block_reports_exactly_its_marks[cases/BN216
    tests/test_pages.py::test_a_block_reports_exactly_its_marks[cases/BN808
    tests/test_passes.py::test_a_rule_declares_the_passes_that_it_asks_for
    tests/test_populations.py::test_the_fewest_are_known_where_all_are_or_one_has_one
    tests/test_random_training.py::
    tests/test_pytest_plugin.py::test_a_
    tests/test_pytest_plugin.py::test_the_
    tests/test_pytest_plugin.py::test_what_
    tests/test_readme.py::test_the_excerpt_is_what_the_example_prints
    tests/test_signal_agreement.py::
    tests/test_signal_measuring.py::
    tests/test_signal_report.py::test_any_signal_can_be_drawn
    tests/test_signal_report.py::test_pictures_are_the_same_each_time
    tests/test_signal_residuals.py::test_an_addition_is_found_in_each_form
    tests/test_site.py::test_it_builds
    tests/test_tracer_chain.py::test_any_model_comes_back_untouched_and_its_graph_runs
    tests/test_tracer_chain.py::test_the_compiler_may_be_left_out
    tests/test_tracer_guard.py::
    tests/test_tracer_process.py::
    tests/test_tracer_recorder.py::test_the_graph_runs_like_the_model
    tests/test_watch.py::test_it_reports_again
    """.split()
)
"""Beginnings of the ids of slow tests."""

SAMPLED = frozenset(
    """
    tests/test_pages.py::test_a_block_reports_exactly_its_marks
    tests/test_pages.py::test_code_marked_so_runs
    tests/test_pages.py::test_fixes_turn_bad_into_fixed
    """.split()
)
"""Beginnings of the ids of tests of which the first of each kind is quick."""


def mark(items: Iterable[pytest.Item]) -> None:
    """Mark the slow tests."""
    begun: set[str] = set()
    for item in items:
        kind = _kind(item.nodeid)
        if item.nodeid.startswith(tuple(SLOW)) or kind in begun:
            item.add_marker(pytest.mark.slow)
        elif item.nodeid.startswith(tuple(SAMPLED)):
            begun.add(kind)


def _kind(test: str) -> str:
    """The test, and which page or case file and section of it: ``...[cases/BN301-Bad``."""
    function, bracket, parameters = test.partition("[")
    return (
        "-".join([function + bracket, *parameters.split("-")[:2]])
        if "BN" in parameters
        else function
    )
