//! Lines as boards send them, in any chunking, damaged and whole.

use super::*;
use crate::emg::SampleType;
use crate::emg::units::wide;
use proptest::prelude::*;

fn at(ms: i64) -> Stamp {
    Stamp::default().plus_ns(ms * 1_000_000)
}

/// Everything a decoder gives for lines that come every `every_ms`.
struct Told {
    shape: Shape,
    rows: Vec<Vec<f64>>,
    device_us: Vec<u64>,
    refused: u64,
}

fn listen(mut decoder: Decoder, lines: &[String], every_ms: i64) -> Result<Told, String> {
    let mut now = 0;
    for line in lines {
        now += every_ms;
        decoder.push(line.as_bytes(), at(now));
        decoder.settle(at(now));
    }
    decoder.settle(at(now + 5000));
    let Some(shape) = decoder.shape().cloned() else {
        return Err(decoder.hopeless().unwrap_or("undecided").to_owned());
    };
    let (mut rows, mut device_us) = (Vec::new(), Vec::new());
    while let Some(batch) = decoder.take() {
        let mut values = Vec::new();
        batch.samples.widen(&mut values);
        rows.extend(values.chunks(shape.names.len()).map(<[f64]>::to_vec));
        device_us.push(batch.device_us);
    }
    let refused = decoder.take_refused().map_or(0, |refused| refused.lines);
    Ok(Told { shape, rows, device_us, refused })
}

fn auto() -> Decoder {
    Decoder::new(Format::Auto, TimeColumn::Auto)
}

/// A stream of the wild: how it looks, and what it must become.
struct Wild {
    story: &'static str,
    /// Before the rows; the first of all lines is always `lf a line`.
    before: &'static [&'static str],
    line: fn(i64) -> String,
    end: &'static str,
    every_ms: i64,
    names: &'static [&'static str],
    sample_type: SampleType,
    time: Option<Unit>,
    row: fn(i64) -> Vec<f64>,
}

/// A value that does not rise for ever.
fn v(i: i64) -> i64 {
    (i * 37) % 101
}

fn f(i: i64) -> f64 {
    f64::from(i32::try_from(v(i)).unwrap())
}

const C8: [&str; 8] = ["c1", "c2", "c3", "c4", "c5", "c6", "c7", "c8"];

#[expect(clippy::too_many_lines, reason = "a table")]
fn wild() -> Vec<Wild> {
    let plain = Wild {
        story: "one int per line",
        before: &[],
        line: |i| v(i).to_string(),
        end: "\r\n",
        every_ms: 1,
        names: &["c1"],
        sample_type: SampleType::I32,
        time: None,
        row: |i| vec![f(i)],
    };
    vec![
        Wild { ..plain },
        Wild { story: "bare CR", end: "\r", ..plain },
        Wild { story: "empty lines between", end: "\n\n", ..plain },
        Wild { story: "a banner, then ints", before: &["MyoWare EMG Sensor - ESP32"], ..plain },
        Wild {
            story: "the paper's sketch: millis and eight values, 19 a second",
            line: |i| format!("{},{}", 1000 + i * 52, [v(i); 8].map(|v| v.to_string()).join(",")),
            every_ms: 52,
            names: &C8,
            time: Some(Unit::Millis),
            row: |i| vec![f(i); 8],
            ..plain
        },
        Wild {
            story: "three values, trailing comma",
            line: |i| format!("{},{},{},", v(i), v(i + 1), v(i + 2)),
            end: "\n",
            names: &C8[..3],
            row: |i| vec![f(i), f(i + 1), f(i + 2)],
            ..plain
        },
        Wild {
            story: "two values and a blank",
            line: |i| format!("{} {}", v(i), v(i + 1)),
            names: &C8[..2],
            row: |i| vec![f(i), f(i + 1)],
            ..plain
        },
        Wild {
            story: "tabs",
            line: |i| format!("{}\t{}\t", v(i), v(i + 1)),
            names: &C8[..2],
            row: |i| vec![f(i), f(i + 1)],
            ..plain
        },
        Wild {
            story: "volts, one of them missing",
            line: |i| {
                if i == 3 { "nan".to_owned() } else { format!("{}.25", v(i)) }
            },
            sample_type: SampleType::F64,
            row: |i| vec![if i == 3 { f64::NAN } else { f(i) + 0.25 }],
            ..plain
        },
        Wild {
            story: "a header names the clock and the column",
            before: &["timestamp_us,adc"],
            line: |i| format!("{},{}", i * 1104, v(i)),
            names: &["adc"],
            time: Some(Unit::Micros),
            ..plain
        },
        Wild {
            story: "Serial Plotter",
            line: |i| format!("zyg:{}\tcorr: {}", v(i), v(i + 1)),
            names: &["zyg", "corr"],
            row: |i| vec![f(i), f(i + 1)],
            ..plain
        },
        Wild {
            story: "a label before a single value",
            line: |i| format!("EMG: {}", v(i)),
            names: &["EMG"],
            ..plain
        },
        Wild {
            story: "wall clock with many equal stamps",
            line: |i| format!("10:00:{:02}.{:03},{}", i / 40, (i / 10) * 10 % 1000, v(i)),
            time: Some(Unit::Wall),
            ..plain
        },
        Wild {
            story: "a numbered column is a counter and stays",
            line: |i| format!("{},{}", 500 + i, v(i)),
            names: &["c1", "c2"],
            row: |i| vec![500.0 + f64::from(i32::try_from(i).unwrap()), f(i)],
            ..plain
        },
        Wild {
            story: "micros without a header, told by the host's clock",
            line: |i| format!("{},{}", 77 + i * 20_003, v(i)),
            every_ms: 20,
            time: Some(Unit::Micros),
            ..plain
        },
        Wild {
            story: "seconds with decimals, in one heap",
            line: |i| format!("{}.{:03},{}", i / 10, i * 100 % 1000, v(i)),
            every_ms: 0,
            time: Some(Unit::Seconds),
            ..plain
        },
        Wild {
            story: "counts beyond 32 bits",
            line: |i| (v(i) + 3_000_000_000).to_string(),
            sample_type: SampleType::F64,
            row: |i| vec![f(i) + 3e9],
            ..plain
        },
    ]
}

#[test]
fn every_stream_of_the_wild_becomes_rows_and_no_line_is_lost() {
    for case in wild() {
        let mut lines = vec![format!("lf a line{}", case.end)];
        lines.extend(case.before.iter().map(|line| format!("{line}{}", case.end)));
        lines.extend((0..60).map(|i| format!("{}{}", (case.line)(i), case.end)));
        let told = listen(auto(), &lines, case.every_ms).expect(case.story);
        assert_eq!(told.shape.names, case.names, "{}", case.story);
        assert_eq!(told.shape.sample_type, case.sample_type, "{}", case.story);
        assert_eq!(told.shape.time, case.time, "{}", case.story);
        assert_eq!(told.refused, 0, "{}", case.story);
        let wanted: Vec<Vec<f64>> = (0..60).map(case.row).collect();
        assert_eq!(format!("{:?}", told.rows), format!("{wanted:?}"), "{}", case.story);
    }
}

#[test]
fn the_papers_sketch_is_told_what_it_cannot_carry() {
    let lines: Vec<String> = (0..40)
        .map(|i| format!("{},{}\r\n", 9000 + i * 50, [v(i); 8].map(|v| v.to_string()).join(",")))
        .collect();
    let told = listen(auto(), &lines, 50).unwrap();
    assert_eq!(told.rows.len(), 39);
    assert_eq!(told.device_us[0], 9_050_000);
    let remarks = told.shape.remarks.join("\n");
    assert!(remarks.contains("20 Hz cannot carry EMG above 9 Hz"), "{remarks}");
    assert!(remarks.contains("losses cannot be counted"), "{remarks}");
}

#[test]
fn a_kilohertz_is_not_called_slow() {
    let lines: Vec<String> = (0..40).map(|i| format!("{}\n", v(i))).collect();
    let remarks = listen(auto(), &lines, 1).unwrap().shape.remarks.join("\n");
    assert!(!remarks.contains("cannot carry"), "{remarks}");
}

#[test]
fn the_first_line_is_no_row_but_may_be_the_header() {
    let mut lines = vec!["millis,left,right\n".to_owned()];
    lines.extend((0..30).map(|i| format!("{i},{},{}\n", v(i), v(i))));
    let told = listen(auto(), &lines, 1).unwrap();
    // By its values the first column would be a counter: the name decides.
    assert_eq!((told.shape.time, told.rows.len()), (Some(Unit::Millis), 30));
    assert_eq!(told.shape.names, ["left", "right"]);
}

#[test]
fn the_user_has_the_last_word_on_the_clock() {
    let lines: Vec<String> = (0..30).map(|i| format!("{},{}\n", i * 5, v(i))).collect();
    let ask = |time| listen(Decoder::new(Format::Auto, time), &lines, 5).unwrap().shape;
    assert_eq!(ask(TimeColumn::Auto).names.len(), 1);
    assert_eq!((ask(TimeColumn::None).names.len(), ask(TimeColumn::None).time), (2, None));
    let counter: Vec<String> = (0..30).map(|i| format!("{i},{}\n", v(i))).collect();
    let told = listen(Decoder::new(Format::Auto, TimeColumn::First), &counter, 1).unwrap();
    assert_eq!((told.shape.names.len(), told.shape.time), (1, Some(Unit::Millis)));
    let single: Vec<String> = (0..30).map(|i| format!("{}\n", i * 5)).collect();
    assert!(listen(Decoder::new(Format::Auto, TimeColumn::First), &single, 5).is_err());
    assert_eq!(listen(auto(), &single, 5).unwrap().shape.time, None);
}

#[test]
fn lines_of_another_shape_are_refused_and_counted_with_the_first_of_them() {
    let mut decoder = auto();
    for i in 0..40 {
        decoder.push(format!("{},{}\n", v(i), v(i + 5)).as_bytes(), at(i));
    }
    for odd in ["1,2,3", "7.5,1", "7.0,1", "\u{1}\u{2}", "99999999999,1", "nan,1", "a:1,b:2", "3,4"] {
        decoder.push(format!("{odd}\n").as_bytes(), at(50));
    }
    decoder.push([b'5'; 3000].as_slice(), at(51));
    decoder.push(b"\n5,6\n", at(51));
    let refused = decoder.take_refused().unwrap();
    assert_eq!((refused.lines, refused.example.as_str()), (7, "1,2,3"));
    assert_eq!(decoder.take_refused(), None);
    let rows: u64 = std::iter::from_fn(|| decoder.take()).map(|batch| batch.rows).sum();
    // 39 of the first 40, `7.0,1` as it is whole, `3,4` and `5,6`.
    assert_eq!(rows, 42);
}

#[test]
fn marks_on_lines_of_their_own_are_not_recorded_as_muscle() {
    let lines: Vec<String> = (0..30).map(|i| format!("10001\n{}\n10010\n", v(i))).collect();
    assert!(listen(auto(), &lines, 3).err().unwrap().contains("10001"));
}

#[test]
fn a_reset_button_begins_anew_though_the_port_stays_open() {
    let mut decoder = auto();
    for i in 0..40 {
        decoder.push(format!("{},{}\n", 60_000 + i * 5, v(i)).as_bytes(), at(i * 5));
    }
    for i in 0..40 {
        decoder.push(format!("{},{}\n", 12 + i * 5, v(i)).as_bytes(), at(1500 + i * 5));
    }
    let batches: Vec<Batch> = std::iter::from_fn(|| decoder.take()).collect();
    let fresh: Vec<u64> =
        batches.iter().filter(|batch| batch.restarted).map(|batch| batch.device_us).collect();
    assert_eq!(fresh, [12_000]);
    assert_eq!(batches.iter().map(|batch| batch.rows).sum::<u64>(), 79);
    assert!(batches.iter().all(|batch| batch.stamp.host_ns - batch.opened_ns <= BATCH_NS));
}

#[test]
fn after_an_interruption_the_first_line_is_thrown_away_again() {
    let mut decoder = auto();
    for i in 0..40 {
        decoder.push(format!("{},{}\n", v(i), v(i)).as_bytes(), at(i));
    }
    decoder.push(b"12,", at(41));
    while decoder.take().is_some() {}
    decoder.restart();
    decoder.push(b"34\n5,6\n7,8\n", at(42));
    let batch = decoder.take().unwrap();
    assert_eq!(batch.samples, Samples::I32(vec![5, 6, 7, 8]));
    assert_eq!(decoder.take_refused(), None);
}

#[test]
fn a_slow_stream_is_watched_longer_before_its_first_column_is_called_a_clock() {
    let slow = ["x\n", "10,5\n", "20,7\n", "15,6\n", "18,6\n", "11,6\n"].map(str::to_owned);
    let told = listen(auto(), &slow, 600).unwrap();
    assert_eq!((told.shape.time, told.rows.len()), (None, 5));
}

/// Lines as boards send them, mixed with what cables make of them.
fn stream() -> impl Strategy<Value = Vec<u8>> {
    let line = prop_oneof![
        6 => prop::collection::vec(-5000_i32..5000, 3).prop_map(|row| format!("{},{},{}", row[0], row[1], row[2])),
        1 => "[0-9.,;:\t -]{0,12}",
        1 => "a:[0-9]{1,3},b:[0-9]{1,3}",
        1 => "[a-z]{1,6},[a-z]{1,6},[a-z]{1,6}",
        1 => Just("9".repeat(1100)),
    ];
    let end = prop_oneof![Just("\r\n"), Just("\n"), Just("\r"), Just("\n\n"), Just("")];
    let noise = prop::collection::vec(any::<u8>(), 0..4);
    prop::collection::vec((line, noise, end, 0..10_u8), 0..60).prop_map(|lines| {
        let mut bytes = Vec::new();
        for (line, noise, end, dice) in lines {
            bytes.extend_from_slice(line.as_bytes());
            if dice == 0 {
                bytes.extend_from_slice(&noise);
            }
            bytes.extend_from_slice(end.as_bytes());
        }
        bytes
    })
}

fn decode(bytes: &[u8], cuts: &[usize]) -> (Vec<Batch>, Option<Refusals>, Option<Shape>) {
    let mut decoder = auto();
    let (mut rest, mut cuts) = (bytes, cuts.iter().cycle());
    while !rest.is_empty() {
        let cut = cuts.next().map_or(rest.len(), |cut| *cut.min(&rest.len()));
        decoder.push(&rest[..cut], at(0));
        rest = &rest[cut..];
    }
    decoder.settle(at(10_000));
    let shape = decoder.shape().cloned();
    (std::iter::from_fn(|| decoder.take()).collect(), decoder.take_refused(), shape)
}

proptest! {
    #[test]
    fn any_chunking_of_the_same_bytes_decodes_alike(bytes in stream(), cuts in prop::collection::vec(1..40_usize, 1..20)) {
        // As text, because a NaN is not equal to itself.
        prop_assert_eq!(format!("{:?}", decode(&bytes, &cuts)), format!("{:?}", decode(&bytes, &[])));
    }

    #[test]
    fn garbage_neither_panics_nor_piles_up(bytes in prop::collection::vec(any::<u8>(), 0..4000)) {
        let (batches, refused, shape) = decode(&bytes, &[7]);
        let values: usize = batches.iter().map(|batch| batch.samples.len()).sum();
        prop_assert!(2 * values <= bytes.len() + 1);
        if let Some(shape) = shape {
            prop_assert!(batches.iter().all(|b| wide(b.samples.len()) == b.rows * wide(shape.names.len())));
        }
        prop_assert!(refused.is_none_or(|refused| refused.example.len() < 4 * 48 + 8));
    }

    #[test]
    fn every_line_after_the_first_is_a_row_with_the_same_values(
        columns in 1..=16_usize,
        values in prop::collection::vec(-100_000_000..100_000_000_i32, 64..400),
        separator in prop_oneof![Just(","), Just("\t"), Just(" "), Just(";"), Just(", ")],
        end in prop_oneof![Just("\r\n"), Just("\n"), Just("\r")],
        decimals in any::<bool>(),
    ) {
        let rows: Vec<&[i32]> = values.chunks_exact(columns).collect();
        let print = |v: &i32| if decimals { format!("{:?}", f64::from(*v) / 7.0) } else { v.to_string() };
        let text: String = rows.iter().map(|row| {
            row.iter().map(print).collect::<Vec<_>>().join(separator) + end
        }).collect();
        let mut decoder = Decoder::new(Format::Auto, TimeColumn::None);
        decoder.push(text.as_bytes(), at(0));
        decoder.settle(at(2000));
        let mut told = Vec::new();
        while let Some(batch) = decoder.take() {
            batch.samples.widen(&mut told);
        }
        let wanted: Vec<f64> = rows[1..].concat().iter()
            .map(|v| if decimals { f64::from(*v) / 7.0 } else { f64::from(*v) }).collect();
        prop_assert_eq!(told, wanted);
    }
}
