"""The optional encoder: turns texts into vectors, which are close if the texts mean the same.

`make semantic` installs one. Without it, or with EMBEDDINGS=off, nothing is imported and nothing runs.
"""

from elmemory.memory.encoder.factory import encoder
from elmemory.memory.encoder.protocol import Encoder

__all__ = ["Encoder", "encoder"]
