//! What a graph may contain, found by reading it, before the library computes anything of it.
//!
//! The library folds constants while it loads, so a small file can ask for a large tensor: operators are those that
//! networks over short windows consist of, numbers that could be sizes are bounded, and nothing runs in loops.

use super::Limits;
use crate::infer::Card;
use std::collections::HashSet;
use tract_onnx::pb::attribute_proto::AttributeType;
use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::pb::{GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto};
use tract_onnx::pb::{tensor_shape_proto::dimension::Value as Dim, type_proto::Value as Type};
use tract_onnx::prelude::{DatumType, TypedModel};

/// Versions of the operators that the library is tested against.
const OPSETS: std::ops::RangeInclusive<i64> = 9..=18;
/// Operators that may occur.
const OPERATORS: &str = " Abs Add And AveragePool BatchNormalization Cast Ceil Clip Concat Constant ConstantOfShape \
    Conv Div Dropout Elu Equal Erf Exp Expand Flatten Floor GRU Gather Gemm GlobalAveragePool GlobalMaxPool Greater \
    HardSigmoid Identity InstanceNormalization LSTM LayerNormalization LeakyRelu Less Log LogSoftmax MatMul Max \
    MaxPool Mean Min Mul Neg Not Or PRelu Pad Pow RNN Reciprocal ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp \
    ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum ReduceSumSquare Relu Reshape Selu Shape Sigmoid Sign Slice \
    Softmax Softplus Softsign Split Sqrt Squeeze Sub Sum Tanh ThresholdedRelu Tile Transpose Unsqueeze Where ";
/// Largest whole number in an attribute: a kernel, a stride, a padding, an axis.
const LARGEST: u64 = 1 << 16;
/// Whole numbers beyond it mean "to the end" in a slice.
const TO_THE_END: u64 = 1 << 31;
/// Whole numbers that belong together in a shape are not more than this.
const SHAPE_LENGTH: usize = 16;

type Checked = Result<(), String>;

/// Looks at everything a file says.
pub(super) fn check(proto: &ModelProto, card: &Card, limits: &Limits) -> Checked {
    let graph = proto.graph.as_ref().ok_or("it is not an ONNX file, or only a part of one")?;
    let own = |domain: &str| domain.is_empty() || domain == "ai.onnx";
    let opset = proto.opset_import.iter().find(|opset| own(&opset.domain)).map(|opset| opset.version);
    match opset {
        Some(version) if OPSETS.contains(&version) => {}
        Some(version) => return Err(format!("it is of opset {version}, and not {OPSETS:?}")),
        None => return Err("it names no opset".to_owned()),
    }
    if !proto.functions.is_empty() || !graph.sparse_initializer.is_empty() {
        return Err("it has functions or sparse tensors".to_owned());
    }
    if graph.node.len() > limits.nodes {
        return Err(format!("it has {} operators, and not at most {}", graph.node.len(), limits.nodes));
    }
    let slices = only_slices(graph);
    for tensor in &graph.initializer {
        self::tensor(tensor, slices.contains(tensor.name.as_str()), limits)?;
    }
    inputs(graph, card)?;
    let outputs = 1 + card.states.len();
    if graph.output.len() != outputs {
        return Err(format!("it gives {} results, and its card names {outputs}", graph.output.len()));
    }
    wiring(graph)?;
    graph.node.iter().try_for_each(|node| {
        let output = node.output.first().map_or("", String::as_str);
        self::node(node, node.op_type == "Constant" && slices.contains(output), limits)
    })
}

/// Tensors that nothing but slices reads, where a number may mean "to the end".
fn only_slices(graph: &GraphProto) -> HashSet<&str> {
    let read_by = |slice: bool| {
        let nodes = graph.node.iter().filter(move |node| (node.op_type == "Slice") == slice);
        nodes.flat_map(|node| &node.input).map(String::as_str)
    };
    let others: HashSet<&str> = read_by(false).collect();
    read_by(true).filter(|name| !others.contains(name)).collect()
}

/// Its inputs are those of the card, each of a fixed shape and in 32-bit floats.
fn inputs(graph: &GraphProto, card: &Card) -> Checked {
    let constants: HashSet<&str> = graph.initializer.iter().map(|tensor| tensor.name.as_str()).collect();
    let inputs: Vec<_> =
        graph.input.iter().filter(|input| !constants.contains(input.name.as_str())).collect();
    let expected = std::iter::once(vec![1, card.channels.len(), card.rows()]).chain(card.states.clone());
    let expected: Vec<Vec<usize>> = expected.collect();
    if inputs.len() != expected.len() || inputs.len() != graph.input.len() {
        return Err(format!("it takes {} inputs, and its card names {}", graph.input.len(), expected.len()));
    }
    for (input, expected) in inputs.iter().zip(&expected) {
        if fixed_shape(input).as_ref() != Some(expected) {
            let name = shown(&input.name);
            return Err(format!("its input `{name}` is not {expected:?} 32-bit floats as its card says"));
        }
    }
    Ok(())
}

fn fixed_shape(input: &ValueInfoProto) -> Option<Vec<usize>> {
    let Some(Type::TensorType(tensor)) = input.r#type.as_ref()?.value.as_ref() else { return None };
    let is_float = DataType::try_from(tensor.elem_type) == Ok(DataType::Float);
    let dims = tensor.shape.as_ref().filter(|_| is_float)?.dim.iter();
    dims.map(|dim| match &dim.value {
        Some(Dim::DimValue(value)) => usize::try_from(*value).ok(),
        _ => None,
    })
    .collect()
}

/// Every operator reads what stands before it, so that there are no cycles and no loose ends.
fn wiring(graph: &GraphProto) -> Checked {
    let constants = graph.initializer.iter().map(|tensor| tensor.name.as_str());
    let mut known: HashSet<&str> =
        graph.input.iter().map(|input| input.name.as_str()).chain(constants).collect();
    for node in &graph.node {
        if let Some(loose) = node.input.iter().find(|name| !name.is_empty() && !known.contains(name.as_str()))
        {
            return Err(format!("an operator reads `{}`, which nothing before it gives", shown(loose)));
        }
        for name in node.output.iter().filter(|name| !name.is_empty()) {
            if !known.insert(name) {
                return Err(format!("`{}` is given twice", shown(name)));
            }
        }
    }
    match graph.output.iter().find(|output| !known.contains(output.name.as_str())) {
        Some(loose) => Err(format!("nothing gives its result `{}`", shown(&loose.name))),
        None => Ok(()),
    }
}

fn node(node: &NodeProto, for_slices: bool, limits: &Limits) -> Checked {
    let operator = &node.op_type;
    let known = !operator.contains(' ') && OPERATORS.contains(&format!(" {operator} "));
    if !known || !(node.domain.is_empty() || node.domain == "ai.onnx") {
        return Err(format!("it has an operator `{}`{}", shown(operator), of(&node.domain)));
    }
    for attribute in &node.attribute {
        let is_ours = |size: u64| size <= LARGEST || for_slices && size >= TO_THE_END;
        let whole = attribute.ints.iter().chain([&attribute.i]).map(|value| value.unsigned_abs());
        let kind = AttributeType::try_from(attribute.r#type);
        let nested = attribute.g.is_some()
            || !attribute.graphs.is_empty()
            || attribute.sparse_tensor.is_some()
            || !attribute.tensors.is_empty()
            || matches!(kind, Err(_) | Ok(AttributeType::Undefined));
        if nested || !whole.clone().all(is_ours) {
            return Err(format!("its operator {operator} has a `{}` out of bounds", shown(&attribute.name)));
        }
        if attribute.name == "perm" && !is_permutation(&attribute.ints) {
            return Err(format!("its operator {operator} has a `perm` {:?}", attribute.ints));
        }
        shape(&attribute.ints, for_slices || operator != "Constant", limits)?;
        if let Some(value) = &attribute.t {
            tensor(value, for_slices, limits)?;
        }
    }
    Ok(())
}

fn of(domain: &str) -> String {
    if domain.is_empty() { String::new() } else { format!(" of `{}`", shown(domain)) }
}

/// Another order of 0, 1, 2 ...; of anything else the library makes a loop without an end.
fn is_permutation(places: &[i64]) -> bool {
    let mut sorted = places.to_vec();
    sorted.sort_unstable();
    sorted.into_iter().eq((0..).take(places.len()))
}

/// A tensor is as large as its bytes, and when it could be a shape, so is what it would shape.
fn tensor(tensor: &TensorProto, for_slices: bool, limits: &Limits) -> Checked {
    let name = || shown(&tensor.name);
    let mut dims = tensor.dims.iter().map(|&dim| usize::try_from(dim).ok());
    let values = dims.try_fold(1_usize, |all, dim| all.checked_mul(dim?));
    let Some(values) = values.filter(|values| *values <= limits.tensor_values) else {
        return Err(format!("its tensor `{}` is {:?}, too large", name(), tensor.dims));
    };
    if !tensor.external_data.is_empty() || tensor.data_location.unwrap_or(0) != 0 {
        return Err(format!("its tensor `{}` is in another file", name()));
    }
    let (bytes, listed) = match DataType::try_from(tensor.data_type) {
        Ok(DataType::Float) => (4, tensor.float_data.len()),
        Ok(DataType::Int32) => (4, tensor.int32_data.len()),
        Ok(DataType::Int64) => (8, tensor.int64_data.len()),
        Ok(DataType::Double) => (8, tensor.double_data.len()),
        Ok(DataType::Bool) => (1, tensor.int32_data.len()),
        _ => return Err(format!("its tensor `{}` is of a type this station does not run", name())),
    };
    let raw = tensor.raw_data.len();
    if !(raw == 0 && listed == values || listed == 0 && raw == bytes * values) {
        return Err(format!("its tensor `{}` is {:?}, and its data are not", name(), tensor.dims));
    }
    if tensor.data_type == DataType::Int64 as i32 && values <= SHAPE_LENGTH {
        shape(&whole_numbers(tensor), for_slices, limits)?;
    }
    Ok(())
}

fn whole_numbers(tensor: &TensorProto) -> Vec<i64> {
    let raw = tensor.raw_data.chunks_exact(8).filter_map(|word| word.try_into().ok()).map(i64::from_le_bytes);
    tensor.int64_data.iter().copied().chain(raw).collect()
}

/// Whole numbers that could be a shape are one of a tensor within the limit.
fn shape(numbers: &[i64], free: bool, limits: &Limits) -> Checked {
    let sizes = numbers.iter().map(|number| number.unsigned_abs().max(1));
    let values = sizes.fold(1_u64, u64::saturating_mul);
    if free || usize::try_from(values).is_ok_and(|values| values <= limits.tensor_values) {
        return Ok(());
    }
    Err(format!("its numbers {numbers:?} would be the shape of too large a tensor"))
}

/// All tensors of a typed graph have a known size within the limits.
pub(super) fn sizes(model: &TypedModel, limits: &Limits) -> Checked {
    let mut all = 0_usize;
    for node in model.nodes() {
        for output in &node.outputs {
            let dims = output.fact.shape.as_concrete();
            let values =
                dims.and_then(|dims| dims.iter().try_fold(1_usize, |all, dim| all.checked_mul(*dim)));
            let Some(values) = values.filter(|values| *values <= limits.tensor_values) else {
                let (name, shape) = (shown(&node.name), &output.fact.shape);
                return Err(format!("its operator `{name}` gives a tensor of [{shape:?}], too large"));
            };
            all = all.saturating_add(values);
        }
    }
    if all > limits.all_values {
        return Err(format!("it needs {all} values at a time, and not at most {}", limits.all_values));
    }
    Ok(())
}

/// It gives what its card says: probabilities, then the states in their shapes.
pub(super) fn outputs(model: &TypedModel, card: &Card) -> Checked {
    let expected = std::iter::once(vec![1, card.classes.len()]).chain(card.states.iter().cloned());
    for (at, expected) in expected.enumerate() {
        let fact = model.output_fact(at).map_err(|_| format!("it has no result {at}"))?;
        if fact.shape.as_concrete() != Some(&expected[..]) || fact.datum_type != DatumType::F32 {
            let shape = &fact.shape;
            return Err(format!(
                "its result {at} is [{shape:?}] {:?}, and by its card {expected:?} F32",
                fact.datum_type
            ));
        }
    }
    Ok(())
}

/// A name of a stranger's file, short enough for a sentence.
fn shown(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).take(64).collect()
}
