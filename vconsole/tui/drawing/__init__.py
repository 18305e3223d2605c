"""Text, figures and symbols as plain data, without a terminal: what every panel is drawn with."""
