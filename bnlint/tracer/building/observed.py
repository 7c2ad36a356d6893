"""Building a model under observation: where each layer is built, and without holding its weights."""

import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn
from torch.nn.parameter import is_lazy
from torch.overrides import TorchFunctionMode

from bnlint.tracer.record import devices, torch_patches
from bnlint.tracer.record.call_places import calls_in_user_code
from bnlint.tracer.record.constants import Constants
from bnlint.tracer.record.draws import Draws
from bnlint.tracer.record.tensors import count_of, tensors_in

PLACES = "_bnlint_places"
FILLED = "_bnlint_filled"
DRAWN = "_bnlint_drawn"
_STAND_IN = "_bnlint_stand_in"
_IS_META = Tensor.is_meta.__get__  # type: ignore[attr-defined]


@contextmanager
def watched(meta: bool = True) -> Iterator[None]:
    """Remember of every module built within where it is built and which parameters are constant.

    The places are in ``module.__dict__[PLACES]``: the constructor call in the user's code, then the
    calls that led to it. Parameters of one number, as ``nn.init.zeros_`` leaves them, are by their
    names in ``module.__dict__[FILLED]`` afterwards, random ones in ``module.__dict__[DRAWN]``.

    With ``meta`` parameters are moved to the meta device as they are registered, so that they take
    no memory and no time; all other tensors stay real, for constructors that look into them. What
    is put on a GPU stays on the CPU.
    """
    constants, draws = Constants(), Draws()
    built: list[nn.Module] = []
    init, register = nn.Module.__init__, nn.Module.register_parameter

    def watching_init(self: nn.Module, *args: Any, **kwargs: Any) -> None:
        if PLACES not in self.__dict__:
            self.__dict__[PLACES] = calls_in_user_code(sys._getframe(1), but_not=self)
            built.append(self)
        init(self, *args, **kwargs)

    def watching_register(self: nn.Module, name: str, param: nn.Parameter | None) -> None:
        register(self, name, param)
        if meta and type(param) is nn.Parameter and not param.is_meta:
            self._parameters[name] = _stand_in(param, constants, draws)

    nn.Module.__init__ = watching_init  # type: ignore[method-assign]
    nn.Module.register_parameter = watching_register  # type: ignore[method-assign]
    try:
        with torch_patches.without_cuda("cpu"), _Watcher(constants, draws):
            yield
        _note_contents(built, constants, draws)
    finally:
        nn.Module.__init__ = init  # type: ignore[method-assign]
        nn.Module.register_parameter = register  # type: ignore[method-assign]


def _stand_in(parameter: nn.Parameter, constants: Constants, draws: Draws) -> nn.Parameter:
    """The same parameter on the meta device, the same one wherever it is registered."""
    made = parameter.__dict__.get(_STAND_IN)
    if not isinstance(made, nn.Parameter):
        bare = parameter.detach().to("meta")
        made = nn.Parameter(bare, requires_grad=parameter.requires_grad)
        made.__dict__.update(parameter.__dict__)
        constants.keep(made, constants.of(parameter))
        draws.keep(made, draws.of(parameter))
        parameter.__dict__[_STAND_IN] = made
    return made


def _note_contents(built: Iterable[nn.Module], constants: Constants, draws: Draws) -> None:
    """Also in copies of the modules that were built."""
    pending, seen = [*built], set[nn.Module]()
    while pending:
        module = pending.pop()
        if module in seen:
            continue
        seen.add(module)
        held = [(n, p) for n, p in module._parameters.items() if p is not None]
        module.__dict__[DRAWN] = {n: found for n, p in held if (found := draws.of(p)) is not None}
        numbers = ((name, constants.of(parameter)) for name, parameter in held)
        module.__dict__[FILLED] = {name: number for name, number in numbers if number is not None}
        pending += [child for child in module._modules.values() if child is not None]


class _Watcher(TorchFunctionMode):
    """Hears what functions write, and makes them work on a mixture of meta and real tensors."""

    def __init__(self, constants: Constants, draws: Draws) -> None:
        super().__init__()
        self._constants, self._draws = constants, draws

    def __torch_function__(
        self,
        func: Any,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        kwargs = kwargs or {}
        given = [tensor for tensor in tensors_in((args, kwargs)) if not is_lazy(tensor)]
        func, args, kwargs = devices.staying(func, args, kwargs)
        if func == _IS_META and sys._getframe(1).f_code.co_filename == nn.init.__file__:
            self._constants.forget(given)  # `trunc_normal_` and others leave it at that
            self._draws.forget(given)
        counts = [count_of(tensor) for tensor in given]
        sets_data = devices.sets_data(func, args)
        number = self._constants.of(args[1]) if sets_data else None
        draw = self._draws.of(args[1]) if sets_data else None
        output = devices.mixing(func)(*args, **kwargs)
        changed = [t for t, count in zip(given, counts, strict=True) if count_of(t) != count]
        self._constants.hear(func, args, kwargs, output, changed)
        self._draws.hear(func, args, kwargs, output, changed)
        if sets_data:
            self._constants.keep(args[0], number)
            self._draws.keep(args[0], draw)
        return output
