"""The optional encoder: texts as vectors, which are close to each other where the texts mean the same.

`make semantic` installs one. Without it, and with EMBEDDINGS=off, everything here is idle, and nothing is imported.
"""

from elmemory.memory.encoder.factory import encoder
from elmemory.memory.encoder.protocol import Encoder

__all__ = ["Encoder", "encoder"]
