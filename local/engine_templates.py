"""Corrections of CloudFormation: values in the SAM transform and in conditions."""

import inspect

from ministack.services import cloudformation
from ministack.services.cloudformation import engine

from local.engine_source import replaced

DEFAULTS_FOR_SAM = "_sam_transform(copy.deepcopy(template), {}, "
VALUES_FOR_SAM = (
    "_sam_transform(copy.deepcopy(template),"
    " _transform_parameters(template, provided_params, previous_params), "
)
NAME_IN_CONDITION = "                return pname\n"
VALUE_IN_CONDITION = (
    '                return {"AWS::AccountId": get_account_id(), "AWS::Region": get_region()}'
    ".get(pname, pname)\n"
)


def enable() -> None:
    # A layer's logical id depends on its description, and the resources of a gradual deployment
    # on the parameter that enables it; ministack gives the transform the defaults.
    correct("_apply_transforms", DEFAULTS_FOR_SAM, VALUES_FOR_SAM)
    # ministack compares the name of a pseudo parameter with the value.
    correct("_evaluate_conditions", NAME_IN_CONDITION, VALUE_IN_CONDITION)


def correct(function: str, old: str, new: str) -> None:
    """Replace a text of a function in all modules that import it."""
    before = getattr(engine, function)
    source = replaced(inspect.getsource(before), old, new)
    exec(compile(source, engine.__file__, "exec"), vars(engine))  # noqa: S102 - the engine's own code
    for name, _ in inspect.getmembers(cloudformation, inspect.ismodule):
        module = getattr(cloudformation, name)
        if getattr(module, function, None) is before:
            setattr(module, function, getattr(engine, function))
    if getattr(cloudformation, function, None) is before:
        setattr(cloudformation, function, getattr(engine, function))
