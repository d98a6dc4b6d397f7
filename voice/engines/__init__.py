"""What runs the weights: in the GPU container, or embedded beside the web host."""
