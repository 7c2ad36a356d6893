"""How the signal of a model grows at initialisation, by theory."""
