"""Checks what a program of torch.export says: only tensors and arithmetic are allowed."""

import ast
import json
import math
import re
from collections.abc import Iterator
from typing import Any

from mesorch_cli.bounds import json_within, shown

MOST_EXPRESSION = 4096  # characters
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,300}")
DOTTED = re.compile(r"[A-Za-z_][A-Za-z0-9_.]{0,500}")
SYMBOL = re.compile(r"s\d{1,6}")
RANGE = re.compile(r"(?:\d{1,9}\*)?s\d{1,6}")
VERSION = re.compile(r"[\w.+-]{0,64}")
DOTTED_UNDER = ("parameter_name", "buffer_name", "tensor_constant_name", "fqn")
RANGES = "range_constraints"
# Of an argument or an input: what only tensors and numbers need.
REFUSED = {
    "as_graph": "a graph within an argument",
    "as_operator": "an operator as an argument",
    "as_custom_obj": "a custom object",
    "custom_obj": "a custom object",
    "token": "an effect token",
}
_FUNCTIONS = (
    "Add Mul Pow Integer Rational Symbol Max Min Mod PythonMod FloorDiv CeilDiv CleanDiv ModularIndexing Eq Ne "
    "Equality Unequality GreaterThan LessThan StrictGreaterThan StrictLessThan And Or Not Ge Gt Le Lt Identity "
)
FUNCTIONS = frozenset(_FUNCTIONS.split())
SYMBOL_WORDS = {"positive", "integer", "nonnegative", "real", "finite"}
LARGEST_POWER, MOST_POWERS = 8, 4
ATEN = "torch.ops.aten."
ARITHMETIC = frozenset(
    f"_operator.{name}" for name in ("add", "sub", "mul", "floordiv", "mod", "neg", "eq", "ne", "lt", "le", "gt", "ge")
) | {
    "torch.sym_max",
    "torch.sym_min",
    "torch.sym_not",
}
# The operators of the family's networks, and variants that another version of PyTorch may write. None of them opens a
# file, calls Python or keeps state.
_OPERATORS = (
    "_assert_scalar.default _assert_tensor_metadata.default _softmax.default _to_copy.default _unsafe_view.default "
    "add.Scalar add.Tensor add_.Tensor addmm.default amax.default amin.default arange.default arange.start "
    "arange.start_step avg_pool2d.default batch_norm.default bmm.default cat.default chunk.default clamp.default "
    "clamp_max.default clamp_min.default clone.default constant_pad_nd.default contiguous.default conv2d.default "
    "conv2d.padding convolution.default cos.default detach.default detach_.default div.Scalar div.Tensor "
    "dropout.default eq.Scalar eq.Tensor exp.default expand.default flatten.using_ints full.default full_like.default "
    "ge.Scalar gelu.default gt.Scalar hardtanh.default hardtanh_.default layer_norm.default le.Scalar "
    "lift_fresh_copy.default linear.default lt.Scalar matmul.default max_pool2d.default maximum.default mean.dim "
    "minimum.default mm.default mul.Scalar mul.Tensor mul_.Tensor native_layer_norm.default ne.Scalar neg.default "
    "numpy_T.default ones.default pad.default permute.default pixel_shuffle.default pow.Tensor_Scalar "
    "reciprocal.default relu.default relu6.default relu6_.default relu_.default remainder.Scalar remainder.Tensor "
    "reshape.default rsqrt.default rsub.Scalar scaled_dot_product_attention.default select.int sigmoid.default "
    "sin.default slice.Tensor softmax.int split.Tensor split_with_sizes.default sqrt.default squeeze.dim "
    "stack.default sub.Scalar sub.Tensor sum.default sum.dim_IntList sym_size.int t.default to.device to.dtype "
    "to.dtype_layout transpose.int unbind.int unflatten.int unsqueeze.default upsample_bilinear2d.default "
    "upsample_bilinear2d.vec view.default where.ScalarOther where.ScalarSelf where.self zeros.default "
    "zeros_like.default "
)
OPERATORS = frozenset(_OPERATORS.split())
MOST_MADE = 1 << 28  # values of a tensor that a program creates by size: 1 GiB as float32
LARGEST_OPERAND = 1 << 24  # in arithmetic of sizes
LARGEST_FACTOR = 64  # by which a picture is enlarged
# Operators whose output may be of any size, whatever the size of a photo's tiles.
MAKING = frozenset(["constant_pad_nd", "expand", "full", "ones", "pad", "zeros"])


class UnsafeProgramError(ValueError):
    """A program contains more than tensors and arithmetic. The message says what."""


def checked_program(tree: Any) -> Any:
    """Check the program and omit what is not needed to run it: guards, which are Python, and traces of its origin."""
    module = tree["graph_module"]
    for node in module["graph"]["nodes"]:
        target = node["target"]
        known = target.startswith(ATEN) and target.removeprefix(ATEN) in OPERATORS
        if not known and target not in ARITHMETIC:
            raise UnsafeProgramError(f"it calls {shown(target)}, which is not arithmetic of these networks")
        _require_small(target, node)
        node["metadata"] = {}
    for entry in module["module_call_graph"]:
        if (signature := entry["signature"]) is not None:
            for side in ("in_spec", "out_spec"):
                signature[side] = _spec(signature[side])
    module["metadata"] = {}
    module["treespec_namedtuple_fields"] = {}
    tree["guards_code"] = []
    for name in tree[RANGES]:
        if not RANGE.fullmatch(name):
            raise UnsafeProgramError(f"it has a range of {shown(name)}")
    check_names(tree, "")
    return tree


def _require_small(target: str, node: Any) -> None:
    """Check the sizes given to an operator that creates tensors.

    A small program must not request all of the machine's memory.
    """
    name = target.removeprefix(ATEN).partition(".")[0]
    arguments = [(argument["name"], [*_numbers(argument["arg"])]) for argument in node["inputs"]]
    if target in ARITHMETIC:
        large = any(abs(number) > LARGEST_OPERAND for _, numbers in arguments for number in numbers)
    elif name == "arange":
        values = [number for _, numbers in arguments[:3] for number in numbers]
        step = abs(values[2]) if len(values) > 2 else 1
        large = not step or 2 * max(map(abs, values[:2]), default=0) / step > MOST_MADE
    elif name == "upsample_bilinear2d":
        large = any(
            math.prod(map(abs, numbers)) > (LARGEST_FACTOR**2 if "scale" in argument else MOST_MADE)
            for argument, numbers in arguments
        )
    elif name in MAKING:
        sizes = [
            argument["arg"]
            for argument in node["inputs"]
            if any(isinstance(one, list) for one in argument["arg"].values())
        ]
        large = any(math.prod(max(1, abs(number)) for number in _numbers(size)) > MOST_MADE for size in sizes)
    else:
        return
    if large:
        raise UnsafeProgramError(f"its call of {shown(target)} makes more than {MOST_MADE} values")


def _numbers(value: Any) -> Iterator[float]:
    """Yield the numbers in an argument. Sizes that depend on the photo are symbols and left out."""
    if isinstance(value, dict):
        for part in value.values():
            yield from _numbers(part)
    elif isinstance(value, list):
        for part in value:
            yield from _numbers(part)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield value


def _spec(text: str) -> str:
    """Check how inputs or outputs are nested, as PyTorch would import the types named there."""
    protocol, tree = json_within(text)

    def check(spec: Any) -> None:
        kind, context = spec["type"], spec["context"]
        right = {None: (None,), "builtins.tuple": ("null",), "builtins.list": ("null",), "builtins.dict": ("[]",)}
        if context not in right.get(kind, ()):
            raise UnsafeProgramError(f"its inputs or outputs are of the type {shown(kind)}")
        for child in spec["children_spec"]:
            check(child)

    check(tree)
    return json.dumps([whole_number(protocol), tree])


def whole_number(value: Any) -> int:
    if type(value) is not int:
        raise UnsafeProgramError(f"it has {shown(value)} where a whole number belongs")
    return value


def check_names(value: Any, key: str) -> None:
    """Check every name and text, as they become Python, attribute names, or expressions."""
    if isinstance(value, dict):
        for name, part in value.items():
            if name in REFUSED:
                raise UnsafeProgramError(f"it holds {REFUSED[name]}")
            if not (RANGE if key == RANGES else NAME).fullmatch(name) and key != "opset_version":
                raise UnsafeProgramError(f"it has the name {shown(name)}")
            if name in ("as_device", "device") and part is not None and part["type"] != "cpu":
                raise UnsafeProgramError(f"it runs on {shown(part['type'])}; expected the cpu")
            check_names(part, name)
    elif isinstance(value, list):
        for part in value:
            check_names(part, key)
    elif isinstance(value, str):
        _check_text(value, key)


def _check_text(text: str, key: str) -> None:
    if key == "expr_str":
        _check_expression(text)
    elif key in ("in_spec", "out_spec"):
        return  # checked and rewritten
    else:
        pattern = VERSION if key == "torch_version" else DOTTED if key in (*DOTTED_UNDER, "target") else NAME
        # `as_float` keeps what JSON has no number for as a word.
        if text and not pattern.fullmatch(text) and not (key == "as_float" and text == "-Infinity"):
            raise UnsafeProgramError(f"it has the name {shown(text)}")


def _check_expression(text: str) -> None:
    """Check a size expression, which PyTorch evaluates as Python: calls of a few functions, whole numbers, symbols."""
    if len(text) > MOST_EXPRESSION or text.count("Pow") > MOST_POWERS:  # powers of powers would take for ever
        raise UnsafeProgramError(f"it has the expression {shown(text)}, of {len(text)} characters")
    try:
        tree = ast.parse(text, mode="eval").body
        _check_call(tree)
    except (SyntaxError, RecursionError, MemoryError, ValueError, LookupError) as error:
        raise UnsafeProgramError(f"it has the expression {shown(text)}") from error


def _check_call(node: ast.expr) -> None:
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        node = node.operand
    if isinstance(node, ast.Constant) and type(node.value) is int and abs(node.value) < 1 << 62:
        return
    if isinstance(node, ast.Name) and SYMBOL.fullmatch(node.id):
        return
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name) or node.func.id not in FUNCTIONS:
        raise ValueError("no call of a known function")
    if node.func.id == "Symbol":
        (name,) = node.args
        right = isinstance(name, ast.Constant) and isinstance(name.value, str) and SYMBOL.fullmatch(name.value)
        words = all(
            word.arg in SYMBOL_WORDS and isinstance(word.value, ast.Constant) and word.value.value is True
            for word in node.keywords
        )
        if not right or not words:
            raise ValueError("no symbol of a size")
        return
    if node.keywords:
        raise ValueError("a word beside the arguments")
    if node.func.id == "Pow":
        power = node.args[1]
        number = power.args[0] if isinstance(power, ast.Call) and power.args else power
        if isinstance(number, ast.UnaryOp):
            number = number.operand
        if not isinstance(number, ast.Constant) or type(number.value) is not int or number.value > LARGEST_POWER:
            raise ValueError("a large power")
    for argument in node.args:
        _check_call(argument)
