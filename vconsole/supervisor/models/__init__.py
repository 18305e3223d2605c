"""Models as the supervisor sees them: pulled and removed, fitted to a card, launched by profile."""
