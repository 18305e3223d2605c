"""Models: what there is, whether it fits, how it is launched."""
