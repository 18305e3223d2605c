"""A start: judged before it is made, watched, and what is to be said when it fails."""
