"""What AMP is about: frozen values and pure functions, standard library only."""
