"""How a checkpoint answers requests."""

import logging

# Where it is installed, transformers imports bitsandbytes, which reports every kernel that it does without.
logging.getLogger("bitsandbytes").setLevel(logging.CRITICAL)
