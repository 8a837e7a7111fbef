//! Arithmetic on few numbers, many operators in one.
//!
//! The library takes a quarter of a microsecond for each operator, however few its values: a network that is fed a
//! number per channel spends more on that than on its weights. Large tensors are left to the library's kernels, and
//! nothing here has a memory.

use std::collections::HashSet;
use std::sync::Arc;
use tract_onnx::tract_hir::internal::{
    Datum, DimLike, EvalContext, EvalOp, IntoTValue, Op, OutletId, StaticName, TValue, TVec, Tensor,
    TractErrorContext, TractResult, TypedFact, TypedModel, TypedModelPatch, TypedNode, TypedOp, as_op,
    natural_strides, op_as_typed_op, op_out_of_plan, tvec,
};
use tract_onnx::tract_hir::tract_core::ops::binary::TypedBinOp;
use tract_onnx::tract_hir::tract_core::ops::change_axes::AxisOp;
use tract_onnx::tract_hir::tract_core::ops::einsum::EinSum;
use tract_onnx::tract_hir::tract_core::ops::element_wise::ElementWiseOp;
use tract_onnx::tract_hir::tract_core::ops::math;

/// Values of a tensor beyond which an operator is worth its price.
const FEW: usize = 128;
/// The same for the weights of a product.
const FEW_WEIGHTS: usize = 4096;
/// Values that one operator works on at most, all steps together.
const ROOM: usize = 1024;
/// Operators of a graph that is looked at; finding what goes together takes more than twice as long for twice as many.
const LARGEST_GRAPH: usize = 256;

/// What becomes of one or two tensors.
#[derive(Clone, Debug, PartialEq)]
enum Sum {
    Add,
    Sub,
    Mul,
    Div,
    Min,
    Max,
    Recip,
    Square,
    Sqrt,
    Ln,
    Exp,
    /// The same values in another shape.
    Same,
    /// A vector times these weights, all of its first value first.
    Product(Arc<[f32]>),
}

/// Where a tensor comes from.
#[derive(Clone, Debug, PartialEq)]
enum From {
    Fixed(Arc<[f32]>),
    Input(usize),
    Step(usize),
}

#[derive(Clone, Debug, PartialEq)]
struct Step {
    sum: Sum,
    of: TVec<From>,
    /// Where its values are.
    start: usize,
    values: usize,
}

/// Steps over tensors of few values.
#[derive(Clone, Debug, PartialEq)]
struct Fused {
    steps: Vec<Step>,
    /// Steps that others read, with what these give.
    outputs: Vec<(usize, TypedFact)>,
}

// The library compares operators; no weight of theirs that is not a number is equal to itself, which is harmless.
impl Eq for Fused {}

impl Op for Fused {
    fn name(&self) -> StaticName {
        "Fused".into()
    }

    op_as_typed_op!();
}

impl EvalOp for Fused {
    op_out_of_plan!();

    fn eval(&self, _context: &EvalContext<'_>, inputs: TVec<TValue>) -> TractResult<TVec<TValue>> {
        let mut given: TVec<&[f32]> = tvec![];
        for input in &inputs {
            given.push(input.try_as_plain_ram()?.as_slice::<f32>()?);
        }
        let mut all = [0.0; ROOM];
        for step in &self.steps {
            let (done, to) = all.split_at_mut(step.start);
            let of = |from| match from {
                &From::Input(at) => given[at],
                &From::Step(at) => self.steps[at].of(done),
                From::Fixed(values) => values,
            };
            let b = step.of.get(1).map_or(&[0.0][..], of);
            step.sum.run(of(&step.of[0]), b, &mut to[..step.values]);
        }
        let mut results = tvec![];
        for (at, fact) in &self.outputs {
            let shape = fact.shape.as_concrete().context("a shape that is not known")?;
            results.push(Tensor::from_shape(shape, self.steps[*at].of(&all))?.into_tvalue());
        }
        Ok(results)
    }
}

impl TypedOp for Fused {
    as_op!();

    fn output_facts(&self, _inputs: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
        Ok(self.outputs.iter().map(|(_, fact)| fact.clone()).collect())
    }
}

impl Step {
    /// Its values, out of those of all steps.
    fn of<'a>(&self, all: &'a [f32]) -> &'a [f32] {
        &all[self.start..][..self.values]
    }
}

impl Sum {
    fn run(&self, a: &[f32], b: &[f32], to: &mut [f32]) {
        match self {
            Self::Add => each(a, b, to, |a, b| a + b),
            Self::Sub => each(a, b, to, |a, b| a - b),
            Self::Mul => each(a, b, to, |a, b| a * b),
            Self::Div => each(a, b, to, |a, b| a / b),
            Self::Min => each(a, b, to, f32::min),
            Self::Max => each(a, b, to, f32::max),
            Self::Recip => each(a, b, to, |a, _| a.recip()),
            Self::Square => each(a, b, to, |a, _| a * a),
            Self::Sqrt => each(a, b, to, |a, _| a.sqrt()),
            Self::Ln => each(a, b, to, |a, _| a.ln()),
            Self::Exp => each(a, b, to, |a, _| a.exp()),
            Self::Same => to.copy_from_slice(a),
            Self::Product(weights) => {
                for (a, weights) in a.iter().zip(weights.chunks_exact(to.len())) {
                    to.iter_mut().zip(weights).for_each(|(to, weight)| *to += a * weight);
                }
            }
        }
    }

    fn of(model: &TypedModel, node: &TypedNode) -> Option<Self> {
        if let Some(ElementWiseOp(op, None)) = node.op_as::<ElementWiseOp>() {
            return match op {
                op if op.is::<math::Recip>() => Some(Self::Recip),
                op if op.is::<math::Square>() => Some(Self::Square),
                op if op.is::<math::Sqrt>() => Some(Self::Sqrt),
                op if op.is::<math::Ln>() => Some(Self::Ln),
                op if op.is::<math::Exp>() => Some(Self::Exp),
                _ => None,
            };
        }
        if let Some(TypedBinOp(op, None)) = node.op_as::<TypedBinOp>() {
            return match op {
                op if op.is::<math::Add>() => Some(Self::Add),
                op if op.is::<math::Sub>() => Some(Self::Sub),
                op if op.is::<math::Mul>() => Some(Self::Mul),
                op if op.is::<math::Div>() => Some(Self::Div),
                op if op.is::<math::Min>() => Some(Self::Min),
                op if op.is::<math::Max>() => Some(Self::Max),
                _ => None,
            };
        }
        if let Some(op) = node.op_as::<AxisOp>() {
            // Values move where two axes have several.
            return (!matches!(op, AxisOp::Move(..)) || is_line(model, node.inputs[0])).then_some(Self::Same);
        }
        node.op_as::<EinSum>()
            .and_then(|op| product(model, node, op))
            .map(|(_, weights)| Self::Product(weights))
    }
}

/// A single value goes with each of the others.
fn each(a: &[f32], b: &[f32], to: &mut [f32], sum: impl Fn(f32, f32) -> f32) {
    match (a, b) {
        (&[a], &[b]) => to.fill(sum(a, b)),
        (&[a], _) => to.iter_mut().zip(b).for_each(|(to, b)| *to = sum(a, *b)),
        (_, &[b]) => to.iter_mut().zip(a).for_each(|(to, a)| *to = sum(*a, b)),
        _ => to.iter_mut().zip(a.iter().zip(b)).for_each(|(to, (a, b))| *to = sum(*a, *b)),
    }
}

/// The shape of a tensor of few 32-bit floats.
fn few(model: &TypedModel, outlet: OutletId) -> Option<&[usize]> {
    let fact = model.outlet_fact(outlet).ok()?;
    let shape = fact.shape.as_concrete().filter(|_| fact.datum_type == f32::datum_type())?;
    (1..=FEW).contains(&shape.iter().product()).then_some(shape)
}

fn is_line(model: &TypedModel, outlet: OutletId) -> bool {
    few(model, outlet).is_some_and(|shape| shape.iter().filter(|size| **size > 1).count() <= 1)
}

/// Of a vector times a constant matrix: the vector, and the weights in the order of [`Sum::Product`].
fn product(model: &TypedModel, node: &TypedNode, op: &EinSum) -> Option<(OutletId, Arc<[f32]>)> {
    let [a, b] = node.inputs[..] else { return None };
    let weights = |outlet| model.outlet_fact(outlet).ok()?.konst.clone();
    let (vector, matrix, at) = match (weights(a), weights(b)) {
        (None, Some(matrix)) => (a, matrix, 1),
        (Some(matrix), None) => (b, matrix, 0),
        _ => return None,
    };
    if op.q_params.is_some() || !is_line(model, vector) || matrix.len() > FEW_WEIGHTS {
        return None;
    }
    let strides = natural_strides(matrix.shape());
    // Of what is summed over and of what is kept: how many, and how far apart in the matrix.
    let (mut summed, mut kept) = ((1, 0), (1, 0));
    for axis in op.axes.iter_all_axes() {
        let (of_matrix, of_vector) = (&axis.inputs[at], &axis.inputs[1 - at]);
        let size = |of: &TVec<usize>, shape: &[usize]| of.iter().map(|at| shape[*at]).product::<usize>();
        let several = size(of_matrix, matrix.shape()).max(size(of_vector, few(model, vector)?));
        if several == 1 {
            continue;
        }
        let [place] = of_matrix[..] else { return None };
        let role = match (of_vector.len(), axis.outputs[0].len()) {
            (1, 0) => &mut summed,
            (0, 1) => &mut kept,
            _ => return None,
        };
        if std::mem::replace(role, (several, strides[place].unsigned_abs())) != (1, 0) {
            return None;
        }
    }
    let all = matrix.try_as_plain_ram().ok()?.as_slice::<f32>().ok()?;
    if summed.0 * kept.0 != all.len() || few(model, vector)?.iter().product::<usize>() != summed.0 {
        return None;
    }
    let places = (0..summed.0).flat_map(|k| (0..kept.0).map(move |n| k * summed.1 + n * kept.1));
    Some((vector, places.map(|place| all[place]).collect()))
}

/// The same model with its small arithmetic in as few operators as can be.
pub(super) fn fuse(mut model: TypedModel) -> TractResult<TypedModel> {
    let mut tried = HashSet::new();
    loop {
        let order = model.eval_order()?;
        if order.len() > LARGEST_GRAPH {
            return Ok(model);
        }
        let ours: Vec<usize> = order.iter().copied().filter(|node| is_ours(&model, *node)).collect();
        let seeds = ours.iter().copied().filter(|node| tried.insert(*node));
        let mut regions = seeds.map(|seed| grow(&model, &order, &ours, seed));
        let pays = |region: &Vec<usize>| region.len() > 1 || model.node(region[0]).op_is::<EinSum>();
        let Some(region) = regions.find(pays) else { return model.into_compact() };
        replace(&mut model, &region)?;
    }
}

/// Whether an operator is one of ours on few values, of one shape with single ones among them.
fn is_ours(model: &TypedModel, id: usize) -> bool {
    let node = model.node(id);
    let (Some(sum), Some(shape)) = (Sum::of(model, node), few(model, OutletId::new(id, 0))) else {
        return false;
    };
    let fits = |input: &OutletId| {
        few(model, *input).is_some_and(|part| part == shape || part.iter().product::<usize>() == 1)
    };
    match sum {
        Sum::Product(_) => true,
        Sum::Same => few(model, node.inputs[0]).is_some(),
        _ => node.inputs.iter().all(fits),
    }
}

/// Operators around a first that can become one, in the order they run.
fn grow(model: &TypedModel, order: &[usize], ours: &[usize], seed: usize) -> Vec<usize> {
    let values =
        |node: usize| few(model, OutletId::new(node, 0)).map_or(ROOM, |shape| shape.iter().product());
    let reads = |a: usize, b: usize| model.node(a).inputs.iter().any(|input| input.node == b);
    let (mut region, mut refused, mut room) = (HashSet::from([seed]), HashSet::new(), ROOM - values(seed));
    let near =
        |region: &HashSet<usize>, node| region.iter().any(|other| reads(node, *other) || reads(*other, node));
    while let Some(next) = ours
        .iter()
        .copied()
        .find(|node| !region.contains(node) && !refused.contains(node) && near(&region, *node))
    {
        region.insert(next);
        if values(next) <= room && is_closed(model, order, &region) {
            room -= values(next);
        } else {
            region.remove(&next);
            refused.insert(next);
        }
    }
    order.iter().copied().filter(|node| region.contains(node)).collect()
}

/// Whether nothing outside stands between two of them.
fn is_closed(model: &TypedModel, order: &[usize], region: &HashSet<usize>) -> bool {
    let mut after = HashSet::new();
    for node in order {
        let mut inputs = model.node(*node).inputs.iter();
        if region.contains(node) {
            if inputs.any(|input| after.contains(&input.node)) {
                return false;
            }
        } else if inputs.any(|input| after.contains(&input.node) || region.contains(&input.node)) {
            after.insert(*node);
        }
    }
    true
}

fn replace(model: &mut TypedModel, region: &[usize]) -> TractResult<()> {
    let (mut inputs, mut steps, mut outputs, mut start) = (Vec::new(), Vec::<Step>::new(), Vec::new(), 0);
    for (at, id) in region.iter().enumerate() {
        let node = model.node(*id);
        let sum = Sum::of(model, node).context("an operator that is not known")?;
        let of = match node.op_as::<EinSum>().and_then(|op| product(model, node, op)) {
            Some((vector, _)) => vec![vector],
            None => node.inputs.clone(),
        };
        let mut from = tvec![];
        for input in of {
            from.push(origin(model, region, &mut inputs, input)?);
        }
        let fact = &node.outputs[0].fact;
        let values = fact.shape.volume().to_usize()?;
        steps.push(Step { sum, of: from, start, values });
        start += values;
        let is_read = node.outputs[0].successors.iter().any(|reader| !region.contains(&reader.node));
        if is_read || model.outputs.contains(&OutletId::new(*id, 0)) {
            outputs.push((at, fact.without_value()));
        }
    }
    let mut patch = TypedModelPatch::default();
    let taps = inputs.iter().map(|input| patch.tap_model(model, *input));
    let taps = taps.collect::<TractResult<TVec<OutletId>>>()?;
    let given: Vec<usize> = outputs.iter().map(|(at, _)| region[*at]).collect();
    let name = format!("{}.fused", model.node(region[0]).name);
    let wires = patch.wire_node(name, Fused { steps, outputs }, &taps)?;
    for (id, wire) in given.iter().zip(wires) {
        patch.shunt_outside(model, OutletId::new(*id, 0), wire)?;
    }
    patch.apply(model)
}

fn origin(
    model: &TypedModel,
    region: &[usize],
    inputs: &mut Vec<OutletId>,
    outlet: OutletId,
) -> TractResult<From> {
    if let Some(step) = region.iter().position(|id| *id == outlet.node) {
        return Ok(From::Step(step));
    }
    if let Some(fixed) = &model.outlet_fact(outlet)?.konst {
        return Ok(From::Fixed(fixed.try_as_plain_ram()?.as_slice::<f32>()?.into()));
    }
    Ok(From::Input(inputs.iter().position(|known| *known == outlet).unwrap_or_else(|| {
        inputs.push(outlet);
        inputs.len() - 1
    })))
}

#[cfg(test)]
mod tests;
