"""`offhook bench`: what a turn costs, measured beside a bare floor in the same run."""
