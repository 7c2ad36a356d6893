"""Classes of packages in Python of our own, which is executed where a program uses them."""
