"""The guarded process: how it is started, asked, limited and ended."""
