"""What operators see: logs, metrics, crashes."""
