"""Our side of the ElevenLabs API: how an agent must be set up, setting it up, checking it, reading its conversations.

The `elevenlabs` SDK costs 0.9 s and 49 MB to import: it is imported inside functions, and never while serving.
"""
