"""The terminal itself and the files of its user: keys in, bytes out, as few as can be."""
