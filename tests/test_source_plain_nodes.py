"""LibCST's nodes answer as before, though Python itself compares, hashes and classifies them."""

import libcst as cst

import bnlint.source.parsing  # noqa: F401  (makes them plain)

_CODE = (
    "@d\nclass A(B):\n    def f(self, *a, k=1):\n        return [x.y for x in a if x] + (1, 'z')\n"
)


def _nodes(node: cst.CSTNode) -> list[cst.CSTNode]:
    return [node, *(inner for child in node.children for inner in _nodes(child))]


def test_every_node_is_what_its_bases_say() -> None:
    kinds = [kind for kind in vars(cst).values() if isinstance(kind, type)]
    nodes = [kind for kind in kinds if issubclass(kind, cst.CSTNode)]
    assert len(nodes) > 150
    for node in _nodes(cst.parse_module(_CODE)):
        for kind in nodes:
            assert isinstance(node, kind) is (kind in type(node).__mro__)


def test_nodes_are_equal_to_themselves_only() -> None:
    one, other = cst.Name("a"), cst.Name("a")
    assert one == one and one != other and len({one, other}) == 2
    assert one.deep_equals(other)


def test_their_classes_take_python_s_own_way() -> None:
    assert type(cst.Name).__instancecheck__ is type.__instancecheck__
    assert cst.Name.__hash__ is object.__hash__
    assert cst.Name.__eq__ is object.__eq__


def test_abstract_nodes_stay_abstract_and_new_kinds_work() -> None:
    class Marked(cst.Name):
        pass

    assert isinstance(Marked("a"), cst.BaseExpression)
    assert issubclass(Marked, cst.CSTNode) and not issubclass(int, cst.CSTNode)
