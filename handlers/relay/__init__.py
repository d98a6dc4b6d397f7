"""Twilio's ConversationRelay: one call on one socket, and where it goes on when that is lost."""
