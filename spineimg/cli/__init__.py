"""Command line: one thin module per verb; it parses, calls the pipeline, prints."""
