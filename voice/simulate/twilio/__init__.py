"""Twilio's side of a call, played: TwiML, <Gather>, ConversationRelay, <Dial>, REST."""
