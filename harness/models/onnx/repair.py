"""Make published ONNX graphs usable without changing what they compute.

Each step takes an onnx.ModelProto and changes it in place. The numbers are the same: weights that were stored as blocks of
int8 are multiplied out as the runtime itself would, and PReLU is written as operations with fast kernels,
max(x, 0) + slope · (x − max(x, 0)), of which one term is always exactly 0.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

REPAIR = 1
"""Increased whenever a step changes the graph that comes out."""


def _initializers(model: Any) -> dict[str, Any]:
    return {tensor.name: tensor for tensor in model.graph.initializer}


def drop_weight_inputs(model: Any) -> None:
    """Remove inputs that no node uses as an image.

    These are weights, and names that nothing reads. Old exporters listed every weight as an input; after quantisation the names of the
    unquantised ones were left dangling.
    """
    weights = _initializers(model)
    read = {name for node in model.graph.node for name in node.input}
    kept = [value for value in model.graph.input if value.name in read and value.name not in weights]
    del model.graph.input[:]
    model.graph.input.extend(kept)


def free_batch(model: Any) -> None:
    """Make the batch size of inputs and outputs free."""
    for value in (*model.graph.input, *model.graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = "batch"
    del model.graph.value_info[:]


def dequantised(
    values: NDArray[Any], scales: NDArray[np.float32], zero_points: NDArray[Any], axis: int, block: int
) -> NDArray[np.float32]:
    """Return block-quantised values as float32 weights.

    (values − zero_points) · scales, each scale and zero point holding for `block` values along `axis`.
    """
    length = values.shape[axis]

    def spread(per_block: NDArray[Any]) -> NDArray[Any]:
        return np.take(np.repeat(per_block, block, axis=axis), np.arange(length), axis=axis)

    difference = values.astype(np.int32) - spread(zero_points.astype(np.int32))
    weights: NDArray[np.float32] = difference.astype(np.float32) * spread(scales)
    return weights


def fold_quantised_weights(model: Any) -> None:
    """Replace block-quantised weights by their float32 values.

    The reshapes after them are applied, too.
    """
    from onnx import helper, numpy_helper

    arrays = {name: numpy_helper.to_array(tensor) for name, tensor in _initializers(model).items()}
    folded: dict[str, NDArray[Any]] = {}
    others = []
    for node in model.graph.node:
        constants = {**arrays, **folded}
        if node.op_type == "DequantizeLinear" and all(name in arrays for name in node.input) and len(node.input) == 3:
            options = {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}
            values, scales, zeros = (arrays[name] for name in node.input)
            if options.get("block_size", 0) < 1:
                others.append(node)
                continue
            folded[node.output[0]] = dequantised(values, scales, zeros, options.get("axis", 1), options["block_size"])
        elif node.op_type == "Reshape" and node.input[0] in folded and node.input[1] in arrays:
            folded[node.output[0]] = constants[node.input[0]].reshape(constants[node.input[1]].tolist())
        else:
            others.append(node)
    del model.graph.node[:]
    model.graph.node.extend(others)
    model.graph.initializer.extend(numpy_helper.from_array(array, name) for name, array in folded.items())
    drop_unread_weights(model)


def drop_unread_weights(model: Any) -> None:
    """Remove initializers that no node reads."""
    read = {name for node in model.graph.node for name in node.input}
    kept = [tensor for tensor in model.graph.initializer if tensor.name in read]
    del model.graph.initializer[:]
    model.graph.initializer.extend(kept)


def rewrite_prelu(model: Any) -> None:
    """Write every PReLU as Relu, Sub, Mul and Add."""
    from onnx import helper

    nodes = []
    for node in model.graph.node:
        if node.op_type != "PRelu":
            nodes.append(node)
            continue
        image, slope, result = node.input[0], node.input[1], node.output[0]
        nodes += [
            helper.make_node("Relu", [image], [f"{result}_positive"]),
            helper.make_node("Sub", [image, f"{result}_positive"], [f"{result}_negative"]),
            helper.make_node("Mul", [f"{result}_negative", slope], [f"{result}_scaled"]),
            helper.make_node("Add", [f"{result}_positive", f"{result}_scaled"], [result]),
        ]
    del model.graph.node[:]
    model.graph.node.extend(nodes)


def repaired(data: bytes) -> bytes:
    """Return the serialised graph after every step above."""
    import onnx

    model = onnx.load_model_from_string(data)
    drop_weight_inputs(model)
    free_batch(model)
    fold_quantised_weights(model)
    rewrite_prelu(model)
    result: bytes = model.SerializeToString(deterministic=True)
    return result
