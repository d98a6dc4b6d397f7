"""Vapi's doors: its custom LLM and its server messages, and what stands beside them."""
