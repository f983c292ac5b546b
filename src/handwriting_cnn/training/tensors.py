"""Variables of a model or optimizer as named arrays, and back."""

from collections.abc import Mapping, Sequence
from typing import Any

from handwriting_cnn.errors import RunFolderError
from handwriting_cnn.models.weights import weight_array


def read_variables(variables: Sequence[Any], *, prefix: str) -> dict[str, Any]:
    """Return copies of the variables' values, named ``prefix/0000`` onwards."""
    return {f"{prefix}/{i:04d}": weight_array(v) for i, v in enumerate(variables)}


def write_variables(variables: Sequence[Any], arrays: Mapping[str, Any], *, prefix: str) -> None:
    """Assign what :func:`read_variables` returned.

    Raises:
        RunFolderError: If the arrays are not these variables'.
    """
    for i, variable in enumerate(variables):
        array = arrays.get(f"{prefix}/{i:04d}")
        if array is None or tuple(array.shape) != tuple(variable.shape):
            raise RunFolderError(f"the checkpoint does not hold the {prefix} of this run: {variable.path} differs")
        variable.assign(array)
