"""Uses ElevenLabs' API: sets up agents, checks them, and reads their conversations.

Importing the `elevenlabs` SDK costs 0.9 s and 49 MB: only functions import it, and serving processes never call these.
"""
