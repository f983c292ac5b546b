"""Recognise isolated handwritten characters, in any script, with convolutional networks.

The public names are listed in ``__init__.pyi`` and load on first use: importing this package imports neither NumPy
nor Keras.
"""

import lazy_loader as _lazy

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)
