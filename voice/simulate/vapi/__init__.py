"""Vapi's side of a call, played."""
