//! The pipeline's state as bytes.

use super::super::bytes::{In, Malformed, Out, code_of};
use crate::pipeline::chain::Reason;
use crate::pipeline::state::{FilterState, PipelineState, TrackState};

pub(super) fn put(out: &mut Out, state: &PipelineState) {
    let memories = |out: &mut Out, memories: &[[f64; 2]]| {
        out.list(memories, |out, memory| {
            out.f64(memory[0]).f64(memory[1]);
        });
    };
    out.u64(state.row).u32(state.epoch);
    out.list(&state.tracks, |out, track| {
        out.u32(track.chain).flag(track.running).u64(track.sample).u64(track.settled_sample);
        out.u8(code_of(&Reason::ALL, &track.reason));
        memories(out, &track.filter.sections);
        memories(out, &track.filter.envelope);
    });
}

pub(super) fn take(input: &mut In<'_>) -> Result<PipelineState, Malformed> {
    let memories = |input: &mut In<'_>| input.list(|input| Ok([input.f64()?, input.f64()?]));
    Ok(PipelineState {
        row: input.u64()?,
        epoch: input.u32()?,
        tracks: input.list(|input| {
            Ok(TrackState {
                chain: input.u32()?,
                running: input.flag()?,
                sample: input.u64()?,
                settled_sample: input.u64()?,
                reason: input.code(&Reason::ALL)?,
                filter: FilterState { sections: memories(input)?, envelope: memories(input)? },
            })
        })?,
    })
}
