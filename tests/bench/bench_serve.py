"""Run by the engine's Python: `vllm bench serve` once for each line of arguments on stdin.

Its start-up is half a minute of imports; one process for all rounds takes it once.
"""

import json
import sys

from vllm.benchmarks.serve import add_cli_args, main  # type: ignore[import-not-found]
from vllm.utils.argparse_utils import FlexibleArgumentParser  # type: ignore[import-not-found]


def rounds() -> None:
    parser = FlexibleArgumentParser()
    add_cli_args(parser)
    for line in sys.stdin:
        main(parser.parse_args(json.loads(line)))
        # What it prints itself ends before this.
        print("\nround done", flush=True)


if __name__ == "__main__":
    rounds()
