"""Matrix products, einsum, attention."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod

from convcalc.importing.formats.pt2.aten.moves import turned
from convcalc.importing.formats.pt2.call import Call, Rule, Untranslated, fixed


def linear(call: Call) -> None:
    """x over its last axis, weight (out, in)."""
    call.make("Linear", call.tensor("input"), call.tensor("weight"), call.optional("bias"))


def matmul(call: Call) -> None:
    """matmul, mm, bmm."""
    second = "mat2" if call.get("mat2") is not None else "other"
    call.make("MatMul", call.tensor(), call.tensor(second))


def add_matmul(call: Call) -> None:
    """addmm and baddbmm: a product, and what is added to it."""
    if call.get("beta", 1) != 1 or call.get("alpha", 1) != 1:
        raise Untranslated("a product with a factor")
    one, other = ("mat1", "mat2") if call.op == "addmm" else ("batch1", "batch2")
    product = call.add("MatMul", call.tensor(one), call.tensor(other))
    call.make("Add", product, call.tensor("self"))


def attention(call: Call) -> None:
    """scaled_dot_product_attention."""
    names = [call.tensor(key) for key in ("query", "key", "value")]
    mask = call.optional("attn_mask")
    biases = (mask,) if mask else ()
    is_causal = int(bool(call.get("is_causal", False)))
    call.make_one(0, "Attention", *names, *biases, biases=biases, is_causal=is_causal)


def einsum(call: Call) -> None:
    """A sum over products by letters, of one or two tensors."""
    names = call.tensors("tensors")
    equation = str(call.get("equation", "")).replace(" ", "")
    left, arrow, output = equation.partition("->")
    operands = left.split(",")
    if not arrow or "." in equation or len(operands) != len(names) or len(names) > 2:
        raise Untranslated(f"einsum '{equation[:60]}'")
    if any(len(set(each)) != len(each) for each in (*operands, output)):
        raise Untranslated(f"einsum '{equation[:60]}'")
    sizes: dict[str, int] = {}
    for each, name in zip(operands, names, strict=True):
        sizes.update(zip(each, fixed(call.sizes(name)), strict=True))
    kept = [_summed(call, i, operands, names, output) for i in range(len(names))]
    letters = [each for each, _ in kept]
    names = [name for _, name in kept]
    if len(names) == 1:
        _turned(call, names[0], letters[0], output)
    else:
        _product(call, names, letters, output, sizes)


def _summed(
    call: Call, index: int, operands: Sequence[str], names: Sequence[str], output: str
) -> tuple[str, str]:
    """An operand without the letters that only it has; they are summed over."""
    letters, name = operands[index], names[index]
    others = "".join(each for i, each in enumerate(operands) if i != index) + output
    alone = tuple(i for i, letter in enumerate(letters) if letter not in others)
    if not alone:
        return letters, name
    found = call.add("ReduceSum", name, axes=alone, keepdims=0)
    return "".join(letter for letter in letters if letter in others), found


def _turned(call: Call, name: str, letters: str, output: str) -> None:
    """The last step: axes in the order of the output."""
    turned(call, name, [letters.index(letter) for letter in output])


def _product(
    call: Call, names: Sequence[str], letters: Sequence[str], output: str, sizes: Mapping[str, int]
) -> None:
    """Two operands as a product of matrices: batches, rows, what is summed over, columns."""
    one, other = letters
    batch = [letter for letter in output if letter in one and letter in other]
    rows = [letter for letter in output if letter in one and letter not in other]
    columns = [letter for letter in output if letter in other and letter not in one]
    summed = [letter for letter in one if letter in other and letter not in output]
    if not summed:
        raise Untranslated("einsum without a sum")

    def matrix(name: str, own: str, first: list[str], second: list[str]) -> str:
        order = [*batch, *first, *second]
        if "".join(order) != own:
            name = call.add("Transpose", name, perm=tuple(own.index(each) for each in order))
        shape = [*(sizes[each] for each in batch), *(_size(part) for part in (first, second))]
        if len(shape) == len(order):
            return name
        return call.add("Reshape", name, call.numbers(shape))

    def _size(part: Sequence[str]) -> int:
        return prod(sizes[letter] for letter in part)

    a = matrix(names[0], one, rows, summed)
    b = matrix(names[1], other, summed, columns)
    found = call.add("MatMul", a, b)
    made = [*batch, *rows, *columns]
    if len(made) != len(batch) + 2:
        found = call.add("Reshape", found, call.numbers([sizes[letter] for letter in made]))
    _turned(call, found, "".join(made), output)


RULES: Mapping[str, Rule] = {
    "linear": linear,
    "matmul": matmul,
    "mm": matmul,
    "bmm": matmul,
    "addmm": add_matmul,
    "baddbmm": add_matmul,
    "scaled_dot_product_attention": attention,
    "einsum": einsum,
}
