"""The options of the installed vLLM, as its own parser has them."""
