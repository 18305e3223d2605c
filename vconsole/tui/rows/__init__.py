"""What panels say, as rows of text: each module one subject, without a widget."""
