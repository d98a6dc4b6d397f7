"""A stand-in for a RunPod endpoint: its queue, its balancer, its management."""
