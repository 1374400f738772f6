"""Parley, a chat back end: the package that a wheel installs, with all else inside it."""
