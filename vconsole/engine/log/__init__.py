"""What vLLM prints: lines, the phases of a start, why it failed."""
