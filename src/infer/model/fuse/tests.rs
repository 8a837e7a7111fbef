//! What is fused answers like what is not.

use super::*;
use tract_onnx::prelude::*;
use tract_onnx::tract_hir::internal::{Approximation, DatumExt, tensor2};

fn read(name: &str) -> TypedModel {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/models");
    let model = onnx().with_ignore_value_info(true).model_for_path(folder.join(format!("{name}.onnx")));
    model.unwrap().into_typed().unwrap().into_decluttered().unwrap()
}

fn operators(model: &TypedModel) -> usize {
    model.nodes().iter().filter(|node| !["Const", "Source"].contains(&&*node.op().name())).count()
}

/// Answers to a walk of states from zero, everything a model gives.
fn walk(model: &TypedModel) -> Vec<f32> {
    let facts: Vec<TypedFact> =
        model.inputs.iter().map(|input| model.outlet_fact(*input).unwrap().clone()).collect();
    let zero =
        |fact: &TypedFact| Tensor::zero_dt(f32::datum_type(), fact.shape.as_concrete().unwrap()).unwrap();
    let mut states: TVec<TValue> = facts[1..].iter().map(|fact| zero(fact).into_tvalue()).collect();
    let plan = model.clone().into_optimized().unwrap().into_runnable().unwrap();
    let mut all = Vec::new();
    for seed in 1..40_u16 {
        let shape = facts[0].shape.as_concrete().unwrap();
        let values = (0..shape.iter().product()).map(|at: usize| {
            f32::from(u8::try_from((at * 89 + usize::from(seed) * 31) % 251).unwrap()) - 125.0
        });
        let values: Vec<f32> = values.map(|value| value * f32::from(seed)).collect();
        let mut given = tvec!(Tensor::from_shape(shape, &values).unwrap().into_tvalue());
        given.extend(states.drain(..));
        let mut got = plan.run(given).unwrap();
        for value in &got {
            all.extend_from_slice(value.try_as_plain_ram().unwrap().as_slice::<f32>().unwrap());
        }
        got.remove(0);
        states = got;
    }
    all
}

#[test]
fn a_fused_model_answers_like_the_model_it_was() {
    for name in ["step-cnn", "step-lstm", "full-step-cnn", "full-step-lstm", "window-cnn", "window-lstm"] {
        let model = read(name);
        let fused = fuse(model.clone()).unwrap();
        // Of a whole window there are several columns of everything: products of matrices, which stay what they are.
        let fewer = operators(&fused) < operators(&model);
        assert!(fewer || name.contains("window"), "{name}: {} operators", operators(&fused));
        let apart = walk(&model).into_iter().zip(walk(&fused));
        let apart = apart.map(|(a, b)| (a - b).abs() / a.abs().max(1.0)).fold(0.0, f32::max);
        assert!(apart < 1e-5, "{name}: {apart}");
    }
}

/// Two could go with either of the others, but not with both: `tanh` reads what the one gives to the other.
#[test]
fn what_waits_for_an_operator_outside_stays_apart_from_what_that_waits_for() {
    let mut model = TypedModel::default();
    let x = model.add_source("x", f32::fact([1, 4])).unwrap();
    let recip = model.wire_node("recip", math::recip(), &[x]).unwrap();
    let exp = model.wire_node("exp", math::exp(), &recip).unwrap();
    let outside = model.wire_node("tanh", math::tanh(), &exp).unwrap();
    let product = model.wire_node("product", math::mul(), &[recip[0], outside[0]]).unwrap();
    let root = model.wire_node("root", math::sqrt(), &product).unwrap();
    model.select_output_outlets(&[root[0], recip[0]]).unwrap();
    let fused = fuse(model.clone()).unwrap();
    assert_eq!(operators(&fused), 3);
    let run = |model: TypedModel| {
        let x = tensor2(&[[0.5_f32, 1.0, 2.0, 3.0]]).into_tvalue();
        model.into_optimized().unwrap().into_runnable().unwrap().run(tvec!(x)).unwrap()
    };
    for (a, b) in run(model).iter().zip(run(fused)) {
        a.close_enough(&b, Approximation::Close).unwrap();
    }
}

#[test]
fn large_tensors_and_those_that_stretch_are_left_to_the_library() {
    for shapes in [[[1, FEW + 1], [1, FEW + 1]], [[4, 1], [1, 4]]] {
        let mut model = TypedModel::default();
        let a = model.add_source("a", f32::fact(shapes[0])).unwrap();
        let b = model.add_source("b", f32::fact(shapes[1])).unwrap();
        let sum = model.wire_node("sum", math::add(), &[a, b]).unwrap();
        let sum = model.wire_node("product", math::mul(), &[sum[0], b]).unwrap();
        model.select_output_outlets(&sum).unwrap();
        assert_eq!(operators(&fuse(model).unwrap()), 2);
    }
}
