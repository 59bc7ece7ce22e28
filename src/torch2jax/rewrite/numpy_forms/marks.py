"""What the forms say of themselves."""

from collections.abc import Callable
from typing import TypeVar

Form = TypeVar("Form", bound=Callable[..., object])


def of_floats(form: Form) -> Form:
    """It makes floats of integers: in torch of single, in NumPy of double precision."""
    return form


def drawing(form: Form) -> Form:
    """It draws random numbers, which are others in NumPy."""
    return form
