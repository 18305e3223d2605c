"""The Hugging Face Hub and its cache on this machine, all through huggingface_hub.

That library is imported inside functions: it costs more than the whole of a command.
"""
