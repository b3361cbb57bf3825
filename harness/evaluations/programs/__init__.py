"""Programs that models wrote: run in locked-down processes, and only where a person allows it."""
