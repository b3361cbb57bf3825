"""Jinja templates, style sheets and scripts of the report."""
