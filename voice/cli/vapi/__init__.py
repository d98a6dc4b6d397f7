"""`offhook vapi` and what `offhook doctor vapi` looks at."""
