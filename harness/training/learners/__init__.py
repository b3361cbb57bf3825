"""How each type of example is learned."""
