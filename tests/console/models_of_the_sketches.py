"""Rows for the models screen on an RTX 4080, with plans as the planner words them."""

from __future__ import annotations

from vconsole.models.fit.plan import Band, Card, Plan, ProposedFlag, Tenant, Verdict
from vconsole.models.rows import Listing, ModelRow

GIB = 1024**3
CARD = Card(
    "NVIDIA GeForce RTX 4080",
    16 * GIB,
    int(15.1 * GIB),
    capability=(8, 9),
    tenants=(Tenant("ollama", int(0.5 * GIB), 811), Tenant("Xorg", int(0.2 * GIB), 902)),
)
FITS = Plan(
    Verdict.FITS,
    weights_bytes=Band.exact(int(7.5 * GIB)),
    kv_bytes_per_token=Band.exact(131_072),
    overhead_bytes=Band(int(1.2 * GIB), int(0.9 * GIB), int(1.6 * GIB)),
    kv_cache_bytes=Band(int(5.7 * GIB), int(5.3 * GIB), int(6.0 * GIB)),
    kv_cache_tokens=Band(46_694, 43_417, 49_152),
    max_concurrency=1.4,
    max_model_len=32_768,
    flags=(
        ProposedFlag("--gpu-memory-utilization", "0.90", "leaves the desktop its memory"),
        ProposedFlag("--max-model-len", "32768", "the model's own"),
    ),
    why=("5.7 GiB are left for the KV cache after the weights (7.5 GiB) and 1.2 GiB of vLLM.",),
)
TOO_BIG = Plan(
    Verdict.TOO_BIG,
    weights_bytes=Band.exact(int(14.2 * GIB)),
    overhead_bytes=Band(int(1.5 * GIB), int(1.2 * GIB), int(1.9 * GIB)),
    why=("Weights (14.2 GiB) and vLLM (1.5 GiB) leave nothing for the KV cache.",),
)


def row(name: str, source: str, gb: float, packing: str, plan: Plan, path: str | None) -> ModelRow:
    tokens = plan.kv_cache_tokens.value if plan.kv_cache_tokens else None
    return ModelRow(
        name,
        source,
        path,
        int(gb * 1e9),
        packing,
        plan.verdict,
        tokens,
        plan.max_concurrency,
        plan.max_model_len,
        license="apache-2.0",
        gated=False,
        context=32_768,
        parameters=int(7.25e9),
        quality="MMLU-Pro",
        quality_percent=56.3,
        tokens_per_s=95.3,
        typical_batch=tokens // 2048 if tokens else None,
        plan=plan,
    )


TIGHT = Plan(Verdict.TIGHT, kv_cache_tokens=Band(2_112, -800, 4_900), why=("It is a close call.",))
LISTING = Listing(
    (
        row("demo-lark", "demo", 0.001, "fp32", FITS, "/models/demo-lark"),
        row("RedHatAI/Mistral-7B-Instruct-v0.3-FP8", "cache", 7.5, "FP8", FITS, "/hub/mistral"),
        row("Qwen/Qwen2.5-7B-Instruct-AWQ", "cache", 5.6, "AWQ", FITS, "/hub/qwen"),
        row("openai/gpt-oss-20b", "catalogue", 13.8, "MXFP4", TIGHT, None),
        row("Qwen/Qwen2.5-7B-Instruct", "catalogue", 15.2, "bf16", TOO_BIG, None),
        ModelRow(
            "google/gemma-4-12B-it", "catalogue", quantization="bf16", plan=Plan(Verdict.UNKNOWN)
        ),
    ),
    card=CARD,
)
