"""Reading and writing files so that nothing half-written is ever taken for whole."""

from fwi.files.arrays import look_at_array, open_array, read_npy_header
from fwi.files.atomic import (
    atomic_file,
    atomic_folder,
    check_free,
    recover_folder,
    remove_folder,
    scratch_file,
    settled_folder,
)
from fwi.files.faults import explained_disk_errors, explained_place
from fwi.files.locks import locked, remove_leftovers
from fwi.files.reading import check_regular, read_json, read_safetensors
from fwi.files.staging import staged_part, staging_folder, take_over

__all__ = [
    "atomic_file",
    "atomic_folder",
    "check_free",
    "check_regular",
    "explained_disk_errors",
    "explained_place",
    "locked",
    "look_at_array",
    "open_array",
    "read_json",
    "read_npy_header",
    "read_safetensors",
    "recover_folder",
    "remove_folder",
    "remove_leftovers",
    "scratch_file",
    "settled_folder",
    "staged_part",
    "staging_folder",
    "take_over",
]
