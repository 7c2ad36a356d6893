"""The state of a rehearsal: machine, heap, values, journal and tape."""
