"""The language server: what editors show while one types. The only room that knows pygls."""
