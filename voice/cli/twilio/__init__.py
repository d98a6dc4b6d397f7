"""What `offhook doctor twilio` looks at."""
