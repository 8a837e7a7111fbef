//! The header record as bytes.

use super::super::bytes::{In, Malformed, Out, code_of};
use super::super::record::{Entities, Header};
use super::SAMPLE_TYPES;
use crate::emg::finding::prediction::Participant;
use crate::emg::{Channel, Kind};

pub(super) fn put(out: &mut Out, header: &Header) {
    out.0.extend_from_slice(&header.recording_id);
    out.u32(header.segment).u64(header.first_row).text(&header.software_version);
    out.i64(header.created_utc_ns).i64(header.created_host_ns).text(&header.boot_id);
    out.u32(header.pid).text(&header.recorder).text(&header.socket);
    let names = &header.entities;
    out.text(&names.subject).text(&names.session).text(&names.task).u32(names.run);
    out.u32(names.split.unwrap_or(0));
    out.text(&header.source).text(&header.board);
    out.list(&header.channels, put_channel);
    out.u8(code_of(&SAMPLE_TYPES, &header.sample_type)).flag(header.digital).flag(header.losses_counted);
    out.f64(header.nominal_hz).u32(header.chunk_rows).u32(header.decimation);
    out.text(&header.config).text(&header.protocol).text(&header.montage).u64(header.seed);
    out.list(&header.models, put_model).u64(header.markers);
}

pub(super) fn take(input: &mut In<'_>) -> Result<Header, Malformed> {
    let mut recording_id = [0; 16];
    recording_id.copy_from_slice(input.bytes(16)?);
    Ok(Header {
        recording_id,
        segment: input.u32()?,
        first_row: input.u64()?,
        software_version: input.text()?,
        created_utc_ns: input.i64()?,
        created_host_ns: input.i64()?,
        boot_id: input.text()?,
        pid: input.u32()?,
        recorder: input.text()?,
        socket: input.text()?,
        entities: Entities {
            subject: input.text()?,
            session: input.text()?,
            task: input.text()?,
            run: input.u32()?,
            split: Some(input.u32()?).filter(|&split| split > 0),
        },
        source: input.text()?,
        board: input.text()?,
        channels: input.list(take_channel)?,
        sample_type: input.code(&SAMPLE_TYPES)?,
        digital: input.flag()?,
        losses_counted: input.flag()?,
        nominal_hz: input.f64()?,
        chunk_rows: input.u32()?,
        decimation: input.u32()?,
        config: input.text()?,
        protocol: input.text()?,
        montage: input.text()?,
        seed: input.u64()?,
        // Headers of journals that knew no models end here.
        models: if input.is_done() { Vec::new() } else { input.list(take_model)? },
        // And those of journals that did not count markers, here.
        markers: if input.is_done() { 0 } else { input.u64()? },
    })
}

fn put_model(out: &mut Out, model: &Participant) {
    out.text(&model.name).text(&model.file).text(&model.sha256);
    out.list(&model.classes, |out, class| {
        out.text(class);
    });
    out.text(&model.mode).u32(model.window).u32(model.stride);
}

fn take_model(input: &mut In<'_>) -> Result<Participant, Malformed> {
    Ok(Participant {
        name: input.text()?,
        file: input.text()?,
        sha256: input.text()?,
        classes: input.list(In::text)?,
        mode: input.text()?,
        window: input.u32()?,
        stride: input.u32()?,
    })
}

fn put_channel(out: &mut Out, channel: &Channel) {
    out.text(&channel.name).u8(code_of(&Kind::ALL, &channel.kind));
    out.text(&channel.muscle).text(&channel.side).text(&channel.action_unit).text(&channel.unit);
    out.f64(channel.offset).f64(channel.scale).f64(channel.gain).u8(channel.adc_bits);
    out.f64(channel.reference_v).f64(channel.skew_us).text(&channel.sensor).f64(channel.sensor_tau_s);
    out.text(&channel.electrode).f64(channel.size_mm).f64(channel.spacing_mm);
    out.f64(channel.impedance_kohm).text(&channel.position);
}

fn take_channel(input: &mut In<'_>) -> Result<Channel, Malformed> {
    Ok(Channel {
        name: input.text()?,
        kind: input.code(&Kind::ALL)?,
        muscle: input.text()?,
        side: input.text()?,
        action_unit: input.text()?,
        unit: input.text()?,
        offset: input.f64()?,
        scale: input.f64()?,
        gain: input.f64()?,
        adc_bits: input.u8()?,
        reference_v: input.f64()?,
        skew_us: input.f64()?,
        sensor: input.text()?,
        sensor_tau_s: input.f64()?,
        electrode: input.text()?,
        size_mm: input.f64()?,
        spacing_mm: input.f64()?,
        impedance_kohm: input.f64()?,
        position: input.text()?,
    })
}
