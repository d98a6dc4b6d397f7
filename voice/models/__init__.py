"""Whoever can write a reply: clients of model hosts, all behind one seam."""
