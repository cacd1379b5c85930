"""The report of a table as one self-contained HTML page, and its summary in Markdown."""
