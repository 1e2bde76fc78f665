"""How packs, session rules and state backends come in: our own through the same door as others'."""
