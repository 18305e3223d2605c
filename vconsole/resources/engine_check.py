"""Runs in the engine's Python: imports vLLM and prints its version and platform as JSON."""

import json
import sys


def main() -> None:
    import torch
    import vllm
    from vllm import LLM  # loads transformers and the models' code too
    from vllm.platforms import current_platform

    facts = {
        "version": vllm.__version__,
        "platform": current_platform.device_type,
        "torch": torch.__version__,
        "entry": LLM.__name__,
    }
    sys.stdout.write("\n" + json.dumps(facts) + "\n")


if __name__ == "__main__":
    main()
