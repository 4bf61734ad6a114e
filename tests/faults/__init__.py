"""Every fault a network can produce against every operation, counted at the server."""
