"""`harness schema`."""

from __future__ import annotations

import click

from harness.cli.terminal import say_json


@click.command("schema")
@click.option("--results", "of_results", is_flag=True, help="Print the schema of results.json instead.")
@click.option("--policy", "of_policies", is_flag=True, help="Print the schema of policy files instead.")
def command(of_results: bool, of_policies: bool) -> int:
    """Print the JSON Schema of suite files, for editors and validators; or that of policies, or of results.json."""
    if of_results and of_policies:
        raise click.UsageError("choose one of --results and --policy.")
    if of_policies:
        from harness.commands.write_schemas import policy_schema as schema
    elif of_results:
        from harness.schema.results.results_file import results_schema as schema
    else:
        from harness.commands.write_schemas import suite_schema as schema
    say_json(schema(), indent=2)
    return 0
