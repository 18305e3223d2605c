"""All that is known of vLLM: where it is installed, how it is started, what it prints."""
