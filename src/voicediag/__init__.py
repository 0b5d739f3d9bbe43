"""voicediag: why calls over Twilio Voice go wrong, and what to do about it."""

__version__ = "0.1.0"
