"""Train and eval mode: who sets it, and who is evaluated in which."""
