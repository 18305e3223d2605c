"""Runs in the engine's Python: prints every option of vLLM's server, read from its own parser.

vLLM builds the parser in modules that move from release to release, so its program is run as ever
and caught where it is about to parse. One JSON object on the last line of stdout.
"""

import argparse
import json
import os
import runpy
import sys

MODULE = "vllm.entrypoints.openai.api_server"
CLI_MODULE = "vllm.entrypoints.cli.main"
MARK = "--max-model-len"


class FoundParser(BaseException):
    def __init__(self, parser):
        super().__init__()
        self.parser = parser


def server_parser(parser):
    if MARK in parser._option_string_actions:
        return parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction) and "serve" in action.choices:
            return server_parser(action.choices["serve"])
    return None


def catch(module, arguments):
    parse = argparse.ArgumentParser.parse_known_args

    def parse_known_args(self, args=None, namespace=None):
        found = server_parser(self)
        if found is None:
            return parse(self, args, namespace)
        raise FoundParser(found)

    argparse.ArgumentParser.parse_known_args = parse_known_args
    sys.argv = [module, *arguments, "--help=all"]
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except FoundParser as found:
        return found.parser
    finally:
        argparse.ArgumentParser.parse_known_args = parse
    return None


def kind_of(action):
    if action.nargs == 0 or "Boolean" in type(action).__name__:
        return "switch"
    name = getattr(action.type, "__name__", "") or ""
    if action.type in (int, float):
        return name
    return "list" if action.nargs in ("*", "+") else "text"


def described(action, group):
    default = action.default
    if not isinstance(default, (str, int, float, bool, type(None))):
        default = str(default)
    if default == argparse.SUPPRESS:
        default = None
    return {
        "names": list(action.option_strings),
        "kind": kind_of(action),
        "choices": [str(each) for each in action.choices or ()],
        "default": None if default is None else str(default),
        "help": action.help or "",
        "group": group or "",
    }


def main():
    os.environ.setdefault("VLLM_LOGGING_LEVEL", "ERROR")
    parser = None
    for module, arguments in ((MODULE, []), (CLI_MODULE, ["serve"])):
        try:
            parser = catch(module, arguments)
        except (ImportError, SystemExit) as error:
            sys.stderr.write(f"{module}: {error}\n")
        if parser is not None:
            break
    if parser is None:
        sys.exit("vLLM's parser was not found")
    options = [
        described(action, group.title)
        for group in parser._action_groups
        for action in group._group_actions
        if action.option_strings and action.help != argparse.SUPPRESS
    ]
    sys.stdout.write("\n" + json.dumps(options) + "\n")
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
