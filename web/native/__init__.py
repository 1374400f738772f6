"""The parts of the edge that are in C, where there is a compiler."""
