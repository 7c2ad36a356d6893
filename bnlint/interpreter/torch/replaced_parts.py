"""Third-party models apart from what the program put into them: a head with BatchNorm of its own.

Their own layers are not listed, so that one value stands for all of them where code goes through
them; what the program put in by name is known, and code that goes by names tells it apart.
"""

from bnlint.facts.types.known import Known
from bnlint.facts.types.site import Site
from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.objects import Instance
from bnlint.interpreter.core.values import Choice, Many, Unknown, Value
from bnlint.interpreter.torch.modules import child_modules
from bnlint.interpreter.torch.norms import has_batchnorm, names_of_norms
from bnlint.interpreter.torch.parameters import is_opaque, named_parameters, parameter_group


def replaced_parts(model: Instance) -> list[tuple[str, Instance]]:
    """The children of a third-party model that the program put there, if they may hold BatchNorm."""
    return [(n, child) for n, child in _put_in(model) if has_batchnorm(child) is not Known.NO]


def _put_in(model: Instance) -> list[tuple[str, Instance]]:
    """The children of a third-party model that are no parts of its own."""
    if not is_opaque(model):
        return []
    own = f"{model.library}."
    return [(n, child) for n, child in child_modules(model) if not child.library.startswith(own)]


def own_layers(m: Machine, model: Instance) -> Instance:
    """What stands for a third-party model without what was put in, if that may hold BatchNorm."""
    return _without(m, model, dict(replaced_parts(model)))


def _without(m: Machine, model: Instance, replaced: dict[str, Instance]) -> Instance:
    if not replaced:
        return model
    kept = {name: value for name, value in model.attributes.items() if name not in replaced}
    made = Instance(None, model.library, kept, model.site, is_module=True)
    made.arguments, made.part, made.assumptions = model.arguments, model.part, model.assumptions
    made.has_parent, made.order = True, m.journal.next_order()
    m.heap.new(made.attributes)
    return made


def unlisted_children(m: Machine, model: Instance) -> list[Value] | Many:
    """``model.named_children()``: its own, whose names are not listed, and what was put in."""
    own: tuple[Value, Value] = Unknown("name"), own_layers(m, model)
    replaced = replaced_parts(model)
    return [own, *replaced] if replaced else Many(own)


def unlisted_parameters(m: Machine, model: Instance, site: Site) -> list[Value] | Many:
    """``model.named_parameters()``: its own, which are not listed, and those of what was put in.

    Its own go by the names of its BatchNorm layers, where they are known: a condition on names is
    known if it is the same for all of them.
    """
    put_in = _put_in(model)
    names = tuple(f"{name}.weight" for name in names_of_norms(model))
    own_name = Choice(names) if names else Unknown("parameter name")
    own: tuple[Value, Value] = (
        own_name,
        parameter_group(m, [_without(m, model, dict(put_in))], site),
    )
    found: list[Value] = [own]
    for name, child in put_in:
        named = named_parameters(m, child)
        unnamed = Unknown("parameter name"), parameter_group(m, [child], site)
        listed = [(f"{name}.{path}", parameter) for path, parameter in named or ()]
        found += [unnamed] if named is None else listed
    return found if put_in else Many(own)


def most_parameters(m: Machine, group: Instance, site: Site) -> Value:
    """All parameters of models but for a few of the last, which may be those of what was put in."""
    members = group.attributes.get("members")
    listed = members if isinstance(members, tuple) else ()
    models = [own_layers(m, member) for member in listed if isinstance(member, Instance)]
    return Many(parameter_group(m, models, site))
