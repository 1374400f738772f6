"""What stands in the place of stock Faust: consumer, batch loop, tables, checkpoint, recovery."""
