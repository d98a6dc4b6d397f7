"""The other side, played: callers, platforms and hosts on loopback."""
