"""Twilio's webhooks: <Gather>, status, transfers, outbound calls, and who signed them."""
