"""Which tests are slow: ``pytest -m "not slow"`` leaves them out (3,800 of 9,900, and two folders).

They were chosen by the processor time that they take. What is sampled are tests with many blocks or
programs of one kind: of those of each rule, page and section the first one is quick.
"""

from collections.abc import Iterable

import pytest

SLOW = frozenset(
    """
    tests/attacks/
    tests/evidence/
    tests/test_action.py::test_options_and_paths_are_words
    tests/test_action.py::test_problems_are_annotated_and_kept_for_upload
    tests/test_api.py::test_a_model_is_traced_and_left_as_it_was
    tests/test_api.py::test_a_model_that_fails_says_where_and_stays_as_it_was
    tests/test_api.py::test_a_part_may_refer_to_the_whole
    tests/test_api.py::test_exploding_signals_are_reported_when_asked_for
    tests/test_api.py::test_findings_point_into_the_source_of_the_class
    tests/test_api.py::test_one_line_guards_a_model
    tests/test_api.py::test_rules_can_be_chosen
    tests/test_api.py::test_the_signal_of_a_healthy_and_an_exploding_stack
    tests/test_api.py::test_what_is_bad_enough_fails_a_test_with_the_report
    tests/test_bad_input.py::test_a_file_of_many_lines
    tests/test_bad_input.py::test_any_module_can_be_linted
    tests/test_baseline.py::test_other_lines_do_not_matter
    tests/test_batch_checks.py::test_one_value_raises_and_two_become_signs
    tests/test_budgets.py::test_a_longer_script_has_more_steps
    tests/test_budgets.py::test_functions_that_nothing_calls_do_not_cost_each_other_their_steps
    tests/test_budgets.py::test_what_a_cut_leaves_open_is_not_reported[BN306]
    tests/test_budgets.py::test_what_a_cut_leaves_open_is_not_reported[BN308]
    tests/test_budgets.py::test_what_a_cut_leaves_open_is_not_reported[BN315]
    tests/test_budgets.py::test_what_a_cut_leaves_open_is_not_reported[BN411]
    tests/test_budgets.py::test_what_a_cut_leaves_open_is_not_reported[BN413]
    tests/test_budgets.py::test_what_a_cut_leaves_open_is_not_reported[BN505]
    tests/test_cache.py::test_any_change_of_an_entry_is_refused_or_keeps_its_types
    tests/test_checks_quality.py::test_the_tool_has_no_complaint
    tests/test_claims.py::
    tests/test_cli.py::test_a_closed_pipe_is_quiet
    tests/test_cli.py::test_a_terminal_gets_colours_and_broken_lines
    tests/test_cli.py::test_a_terminal_that_knows_no_unicode
    tests/test_cli.py::test_explain_is_laid_out_on_a_terminal
    tests/test_cli_trace.py::
    tests/test_command_line_arguments.py::test_few_options_are_not_known
    tests/test_command_line_arguments.py::test_options_are_those_of_argparse_or_not_known
    tests/test_configuration_files.py::test_yaml_is_what_pyyaml_makes_of_it
    tests/test_documented_calls.py::test_a_script_that_is_too_long_to_follow_without_arguments_may_be_short_with_them
    tests/test_ecosystem.py::test_repositories_are_linted_and_compared
    tests/test_evaluation_properties.py::
    tests/test_evidence.py::test_notes_
    tests/test_fixer.py::test_insertions_keep_all_text
    tests/test_fixes_heal.py::
    tests/test_flake8_plugin.py::test_flake8_reports_it
    tests/test_gitignore.py::test_patterns_mean_what_git_means
    tests/test_graph_checks.py::
    tests/test_guards.py::test_a_guard_of_
    tests/test_heap_restored.py::
    tests/test_immutable.py::test_the_type_checker_refuses_changes
    tests/test_initialisation.py::test_activations_make_of_moments_what_torch_does
    tests/test_interpreter_paths.py::test_too_many_steps_make_an_incomplete_run
    tests/test_interpreter_paths.py::test_what_never_ends_ends_here
    tests/test_interpreter_properties.py::
    tests/test_ipython_extension.py::test_ipython_loads_it
    tests/test_json_schema.py::test_all_that_is_written_is_valid
    tests/test_language_server.py::test_all_safe_fixes_are_one_action
    tests/test_language_server.py::test_findings_come_while_one_types
    tests/test_language_server.py::test_fixes_
    tests/test_language_server.py::test_the_projects_
    tests/test_language_server.py::test_what_
    tests/test_layers.py::test_explaining_loads_no_libcst
    tests/test_layers.py::test_imports_go_down_only
    tests/test_layers.py::test_linting_loads_no_torch
    tests/test_layers.py::test_small_commands_load_little[rules]
    tests/test_layout.py::test_what_a_view_keeps_has_its_size
    tests/test_lint_paths.py::test_the_findings_do_not_depend_on_the_executor[dask]
    tests/test_lint_paths.py::test_the_findings_do_not_depend_on_the_executor[spawned]
    tests/test_mcp_server.py::test_an_agent_
    tests/test_memory.py::
    tests/test_messages.py::test_messages_read_alike[BN204]
    tests/test_messages.py::test_messages_read_alike[BN216]
    tests/test_messages.py::test_messages_read_alike[BN802]
    tests/test_messages.py::test_messages_read_alike[BN803]
    tests/test_messages.py::test_messages_read_alike[BN804]
    tests/test_messages.py::test_messages_read_alike[BN805]
    tests/test_messages.py::test_messages_read_alike[BN806]
    tests/test_messages.py::test_messages_read_alike[BN808]
    tests/test_notebooks.py::test_every_notebook_is_parsed_and_comes_back
    tests/test_pages.py::test_a_block_reports_exactly_its_marks[cases/BN216
    tests/test_pages.py::test_a_block_reports_exactly_its_marks[cases/BN808
    tests/test_partition.py::test_other_executors_find_the_same_in_any_order
    tests/test_partition.py::test_processes_find_the_same
    tests/test_partition.py::test_the_option
    tests/test_pages.py::test_code_marked_so_runs
    tests/test_pages.py::test_fixes_turn_bad_into_fixed[cases/
    tests/test_passes.py::test_a_rule_declares_the_passes_that_it_asks_for
    tests/test_populations.py::test_a_guessed_length_is_not_quoted
    tests/test_populations.py::test_the_fewest_are_known_where_all_are_or_one_has_one
    tests/test_pytest_plugin.py::test_a_
    tests/test_pytest_plugin.py::test_files_are_items_that_fail_with_their_findings
    tests/test_pytest_plugin.py::test_it_is_off_and_light_unless_asked_for
    tests/test_pytest_plugin.py::test_the_
    tests/test_pytest_plugin.py::test_what_
    tests/test_random_training.py::
    tests/test_readme.py::test_the_excerpt_is_what_the_example_prints
    tests/test_readme.py::test_the_timeline_is_that_of_the_example
    tests/test_remembered_forwards.py::test_what_is_remembered_is_what_executing_gives
    tests/test_signal_agreement.py::
    tests/test_signal_growth.py::test_linear_growth_at_most_doubles_in_the_second_half
    tests/test_signal_measuring.py::
    tests/test_signal_report.py::test_a_picture_of_one_network_has_its_verdict_and_its_stages
    tests/test_signal_report.py::test_a_small_picture_is_a_small_file
    tests/test_signal_report.py::test_any_signal_can_be_drawn
    tests/test_signal_report.py::test_pictures_are_the_same_each_time
    tests/test_signal_residuals.py::test_an_addition_is_found_in_each_form
    tests/test_signal_residuals.py::test_other_operations_are_none
    tests/test_site.py::test_it_builds
    tests/test_source_edits.py::test_a_removed_argument_takes_nothing_with_it
    tests/test_source_edits.py::test_an_added_argument_leaves_everything_else
    tests/test_source_edits.py::test_any_expression_can_be_replaced
    tests/test_source_located.py::test_columns_in_bytes_are_columns_in_characters
    tests/test_source_positions.py::test_a_file_of_five_thousand_lines
    tests/test_source_positions.py::test_a_statement_s_positions_are_those_in_the_whole
    tests/test_source_positions.py::test_every_span_holds_the_code_of_its_node
    tests/test_source_positions.py::test_fast_positions_are_those_of_libcst
    tests/test_source_positions.py::test_locating_costs_less_than_parsing
    tests/test_source_positions.py::test_many_alike_are_not_located_one_by_one
    tests/test_source_positions.py::test_statements_lie_one_after_another
    tests/test_source_read.py::test_damaged_code_is_read_or_unreadable
    tests/test_source_read.py::test_great_depth_is_read_and_located[attributes]
    tests/test_source_read.py::test_great_depth_is_read_and_located[sum]
    tests/test_source_read.py::test_long_is_not_deep[a
    tests/test_source_read.py::test_long_is_not_deep[f-strings]
    tests/test_source_read.py::test_long_is_not_deep[many
    tests/test_source_read.py::test_long_is_not_deep[unbalanced
    tests/test_source_read.py::test_reading_loads_neither_matchers_nor_codemods_nor_torch
    tests/test_source_statements.py::test_a_line_before_and_a_line_after_are_neighbours
    tests/test_source_statements.py::test_an_inserted_line_changes_nothing_else
    tests/test_timeline.py::test_a_picture
    tests/test_traced_graph_reports.py::test_every_call_and_the_data_flow
    tests/test_traced_graph_reports.py::test_layers_in_the_order_of_their_calls
    tests/test_traced_graph_reports.py::test_modules_stand_for_what_is_in_them
    tests/test_traced_graph_reports.py::test_only_people_are_told
    tests/test_traced_graph_reports.py::test_what_is_reported_is_framed
    tests/test_tracer_building.py::test_recipes_survive_json
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
    tests/test_pages.py::test_fixes_turn_bad_into_fixed
    """.split()
)
"""Beginnings of the ids of tests of which the first of each kind is quick."""


def is_whole(path: str) -> bool:
    """Whether all tests of a file or folder, given from the project's root, are slow."""
    return f"{path}::" in SLOW or f"{path}/" in SLOW


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
