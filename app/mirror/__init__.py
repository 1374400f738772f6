"""MirrorMaker 2: the topics of other regions come into this region's cluster."""
