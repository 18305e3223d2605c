"""The log screen without a screen: a growing file as lines, which are folded, which are shown."""
