"""Push: calls of members who are absent, to browsers and to a gateway of the operator's."""
