"""Work that consists of many pieces: done in this process, or by the workers of Ray."""

from fwi.execution.engines import Finish, Work, carry_out
from fwi.execution.shared import Shared

__all__ = ["Finish", "Shared", "Work", "carry_out"]
