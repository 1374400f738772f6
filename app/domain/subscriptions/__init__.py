"""Which events a subscription gets, and what of them is done."""
