"""`offhook runpod` and what `offhook doctor runpod` looks at."""
