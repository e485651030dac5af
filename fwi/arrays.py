"""What an array is called in annotations."""

from __future__ import annotations

from typing import Any

import numpy.typing as npt

Array = npt.NDArray[Any]  # its shape, unit and dtype are the docstring's to say
