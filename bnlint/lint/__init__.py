"""From files to findings, and from fixes back to files."""
