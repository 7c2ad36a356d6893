"""From the records of a rehearsal to facts."""
