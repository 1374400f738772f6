"""Pure decisions, without clock, randomness, I/O or framework.

One exception is data: `moderation/folding.py` reads the table of look-alikes that is packaged here.
"""
