//! Model files that are wrong in every way we could think of, made from a good one: cut, flipped, rewritten in their
//! structure. An ONNX file is a protocol buffer; enough of that format stands here to take one apart and put it
//! together again.

use sha2::{Digest, Sha256};
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

/// One field of a message.
#[derive(Clone, Debug)]
enum Value {
    Number(u64),
    Bytes(Vec<u8>),
    Eight([u8; 8]),
    Four([u8; 4]),
}

/// A message: numbered fields in order.
type Message = Vec<(u64, Value)>;

fn take_number(bytes: &mut &[u8]) -> u64 {
    let (mut number, mut shift) = (0, 0);
    loop {
        let (first, rest) = bytes.split_first().unwrap();
        *bytes = rest;
        number |= u64::from(first & 0x7f) << shift;
        if first & 0x80 == 0 {
            return number;
        }
        shift += 7;
    }
}

fn put_number(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    bytes.push(number.to_le_bytes()[0]);
}

fn parse(mut bytes: &[u8]) -> Message {
    let mut message = Vec::new();
    while !bytes.is_empty() {
        let key = take_number(&mut bytes);
        let mut front = |length: usize| {
            let (front, rest) = bytes.split_at(length);
            bytes = rest;
            front.to_vec()
        };
        let value = match key & 7 {
            1 => Value::Eight(front(8).try_into().unwrap()),
            5 => Value::Four(front(4).try_into().unwrap()),
            2 => {
                let length = usize::try_from(take_number(&mut bytes)).unwrap();
                let (front, rest) = bytes.split_at(length);
                bytes = rest;
                Value::Bytes(front.to_vec())
            }
            _ => Value::Number(take_number(&mut bytes)),
        };
        message.push((key >> 3, value));
    }
    message
}

fn encode(message: &Message) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (field, value) in message {
        let (kind, body) = match value {
            Value::Number(number) => {
                put_number(&mut bytes, field << 3);
                put_number(&mut bytes, *number);
                continue;
            }
            Value::Bytes(body) => (2, body.as_slice()),
            Value::Eight(body) => (1, body.as_slice()),
            Value::Four(body) => (5, body.as_slice()),
        };
        put_number(&mut bytes, field << 3 | kind);
        if kind == 2 {
            put_number(&mut bytes, u64::try_from(body.len()).unwrap());
        }
        bytes.extend(body);
    }
    bytes
}

/// Rewrites the `nth` message in field `field`; says whether there is one.
fn inside(message: &mut Message, field: u64, nth: usize, edit: impl FnOnce(&mut Message)) -> bool {
    let mut all = message.iter_mut().filter(|(number, _)| *number == field);
    let Some((_, Value::Bytes(bytes))) = all.nth(nth) else { return false };
    let mut inner = parse(bytes);
    edit(&mut inner);
    *bytes = encode(&inner);
    true
}

fn text(field: u64, text: &str) -> (u64, Value) {
    (field, Value::Bytes(text.as_bytes().to_vec()))
}

fn numbers(field: u64, numbers: &[i64]) -> impl Iterator<Item = (u64, Value)> {
    numbers.iter().map(move |number| (field, Value::Number(number.cast_unsigned())))
}

fn nested(field: u64, message: &Message) -> (u64, Value) {
    (field, Value::Bytes(encode(message)))
}

/// The field without its present values, and with these instead.
fn replace(message: &mut Message, field: u64, with: impl IntoIterator<Item = (u64, Value)>) {
    message.retain(|(number, _)| *number != field);
    message.extend(with);
}

// Fields of the messages of ONNX.
const GRAPH: u64 = 7;
const OPSET: u64 = 8;
const NODE: u64 = 1;
const INITIALIZER: u64 = 5;
const INPUT: u64 = 11;
const OUTPUT: u64 = 12;
const NODE_INPUT: u64 = 1;
const NODE_OUTPUT: u64 = 2;
const OPERATOR: u64 = 4;
const ATTRIBUTE: u64 = 5;
const DOMAIN: u64 = 7;
const DIMS: u64 = 1;
const DATA_TYPE: u64 = 2;
const NAME: u64 = 8;
const RAW: u64 = 9;
const INT64S: u64 = 7;
const EXTERNAL: u64 = 13;
const LOCATION: u64 = 14;

fn node(operator: &str, inputs: &[&str], outputs: &[&str], attributes: &[Message]) -> (u64, Value) {
    let mut node: Message = inputs.iter().map(|name| text(NODE_INPUT, name)).collect();
    node.extend(outputs.iter().map(|name| text(NODE_OUTPUT, name)));
    node.push(text(OPERATOR, operator));
    node.extend(attributes.iter().map(|attribute| nested(ATTRIBUTE, attribute)));
    nested(NODE, &node)
}

/// A tensor of whole numbers.
fn whole(name: &str, values: &[i64]) -> (u64, Value) {
    let mut tensor: Message = numbers(DIMS, &[i64::try_from(values.len()).unwrap()]).collect();
    tensor.push((DATA_TYPE, Value::Number(7)));
    tensor.extend(numbers(INT64S, values));
    tensor.push(text(NAME, name));
    nested(INITIALIZER, &tensor)
}

fn ints(name: &str, values: &[i64]) -> Message {
    let mut attribute = vec![text(1, name), (20, Value::Number(7))];
    attribute.extend(numbers(8, values));
    attribute
}

/// Puts an operator before all others, so that the model's own input goes through it.
fn first(graph: &mut Message, make: (u64, Value)) {
    inside(graph, NODE, 0, |node| {
        for (field, value) in node.iter_mut() {
            if *field == NODE_INPUT && matches!(value, Value::Bytes(name) if name == b"x") {
                *value = Value::Bytes(b"y".to_vec());
            }
        }
    });
    let at = graph.iter().position(|(field, _)| *field == NODE).unwrap();
    graph.insert(at, make);
}

/// Every way in which the structure of a model can be wrong; `(name, edit of the whole file)`.
#[expect(clippy::type_complexity, clippy::too_many_lines, reason = "a list of names and functions")]
fn edits() -> Vec<(String, Box<dyn Fn(&mut Message)>)> {
    let mut all: Vec<(String, Box<dyn Fn(&mut Message)>)> = Vec::new();
    let mut graph = |name: &str, edit: fn(&mut Message)| {
        let whole = move |model: &mut Message| {
            inside(model, GRAPH, 0, edit);
        };
        all.push((name.to_owned(), Box::new(whole)));
    };
    graph("no nodes", |g| replace(g, NODE, []));
    graph("no inputs", |g| replace(g, INPUT, []));
    graph("no outputs", |g| replace(g, OUTPUT, []));
    graph("no weights", |g| replace(g, INITIALIZER, []));
    graph("nodes in reverse", |g| g.reverse());
    graph("a result twice", |g| {
        let copy = g.iter().find(|(field, _)| *field == NODE).unwrap().clone();
        g.push(copy);
    });
    graph("another output", |g| {
        let copy = g.iter().find(|(field, _)| *field == OUTPUT).unwrap().clone();
        g.push(copy);
    });
    graph("another input", |g| g.push(nested(INPUT, &vec![text(1, "more")])));
    graph("an output nobody gives", |g| {
        inside(g, OUTPUT, 0, |output| replace(output, 1, [text(1, "nowhere")]));
    });
    graph("a loose end", |g| {
        inside(g, NODE, 2, |node| replace(node, NODE_INPUT, [text(NODE_INPUT, "nowhere")]));
    });
    graph("a circle", |g| {
        inside(g, NODE, 0, |node| replace(node, NODE_INPUT, [text(NODE_INPUT, "probabilities")]));
    });
    graph("a stranger's operator", |g| {
        inside(g, NODE, 1, |node| replace(node, OPERATOR, [text(OPERATOR, "Frobnicate")]));
    });
    graph("a stranger's domain", |g| {
        inside(g, NODE, 1, |node| replace(node, DOMAIN, [text(DOMAIN, "com.example")]));
    });
    graph("a nested graph", |g| {
        inside(g, NODE, 1, |node| {
            node.push(nested(
                ATTRIBUTE,
                &vec![text(1, "body"), (20, Value::Number(5)), (6, Value::Bytes(vec![]))],
            ));
        });
    });
    graph("an input of unknown length", |g| {
        inside(g, INPUT, 0, |input| {
            inside(input, 2, 0, |kind| {
                inside(kind, 1, 0, |tensor| {
                    inside(tensor, 2, 0, |shape| {
                        inside(shape, 1, 2, |dim| replace(dim, 1, [text(2, "time")]));
                    });
                });
            });
        });
    });
    graph("an input whose length is a sum of brackets", |g| {
        inside(g, INPUT, 0, |input| {
            inside(input, 2, 0, |kind| {
                inside(kind, 1, 0, |tensor| {
                    inside(tensor, 2, 0, |shape| {
                        inside(shape, 1, 2, |dim| replace(dim, 1, [text(2, &"(".repeat(200_000))]));
                    });
                });
            });
        });
    });
    graph("an input of doubles", |g| {
        inside(g, INPUT, 0, |input| {
            inside(input, 2, 0, |kind| {
                inside(kind, 1, 0, |tensor| replace(tensor, 1, [(1, Value::Number(11))]));
            });
        });
    });
    graph("weights of 2^60 rows", |g| {
        inside(g, INITIALIZER, 0, |tensor| replace(tensor, DIMS, numbers(DIMS, &[1 << 40, 1 << 20])));
    });
    graph("weights of 2^31 rows", |g| {
        inside(g, INITIALIZER, 0, |tensor| replace(tensor, DIMS, numbers(DIMS, &[1 << 14, 1 << 14, 8])));
    });
    graph("weights of -5 rows", |g| {
        inside(g, INITIALIZER, 0, |tensor| replace(tensor, DIMS, numbers(DIMS, &[-5, 8])));
    });
    graph("weights without data", |g| {
        inside(g, INITIALIZER, 0, |tensor| replace(tensor, RAW, []));
    });
    graph("weights of a byte too few", |g| {
        inside(g, INITIALIZER, 0, |tensor| {
            for (field, value) in tensor.iter_mut() {
                if let (RAW, Value::Bytes(raw)) = (*field, value) {
                    raw.pop();
                }
            }
        });
    });
    graph("weights of text", |g| {
        inside(g, INITIALIZER, 0, |tensor| replace(tensor, DATA_TYPE, [(DATA_TYPE, Value::Number(8))]));
    });
    graph("weights of an unknown type", |g| {
        inside(g, INITIALIZER, 0, |tensor| replace(tensor, DATA_TYPE, [(DATA_TYPE, Value::Number(99))]));
    });
    graph("weights elsewhere", |g| {
        inside(g, INITIALIZER, 0, |tensor| {
            tensor.push(nested(EXTERNAL, &vec![text(1, "location"), text(2, "/etc/passwd")]));
            tensor.push((LOCATION, Value::Number(1)));
        });
    });
    graph("weights that are not numbers", |g| {
        let mut nth = 0;
        while inside(g, INITIALIZER, nth, |tensor| {
            for (field, value) in tensor.iter_mut() {
                if let (RAW, Value::Bytes(raw)) = (*field, value) {
                    raw.chunks_exact_mut(4).for_each(|four| four.copy_from_slice(&f32::NAN.to_le_bytes()));
                }
            }
        }) {
            nth += 1;
        }
    });
    graph("an expansion to a terabyte", |g| {
        g.push(whole("shape", &[4000, 8000, 8000]));
        first(g, node("Expand", &["x", "shape"], &["y"], &[]));
    });
    graph("zeros of 2^62 rows", |g| {
        g.push(whole("shape", &[1 << 62]));
        first(g, node("ConstantOfShape", &["shape"], &["y"], &[]));
    });
    graph("a padding of 2^40 rows", |g| {
        g.push(whole("pads", &[0, 0, 0, 0, 0, 1 << 40]));
        first(g, node("Pad", &["x", "pads"], &["y"], &[]));
    });
    graph("tiles of a terabyte", |g| {
        g.push(whole("times", &[1, 1 << 19, 1 << 19]));
        first(g, node("Tile", &["x", "times"], &["y"], &[]));
    });
    graph("a result that doubles forty times", |g| {
        for at in (0..40).rev() {
            let names = (format!("d{at}"), format!("d{}", at + 1));
            let (from, to) = (if at == 0 { "x" } else { &names.0 }, if at == 39 { "y" } else { &names.1 });
            let make = node(
                "Concat",
                &[from, from],
                &[to],
                &[vec![text(1, "axis"), (20, Value::Number(2)), (3, Value::Number(2))]],
            );
            if at == 39 {
                first(g, make);
            } else {
                let place = g.iter().position(|(field, _)| *field == NODE).unwrap();
                g.insert(place, make);
            }
        }
    });
    graph("a constant that doubles forty times", |g| {
        let weights = g.iter().find_map(|(field, value)| match value {
            Value::Bytes(bytes) if *field == INITIALIZER => {
                parse(bytes).into_iter().find(|(field, _)| *field == NAME)
            }
            _ => None,
        });
        let Some((_, Value::Bytes(name))) = weights else { panic!("no weights") };
        let mut from = String::from_utf8(name).unwrap();
        let mut place = g.iter().position(|(field, _)| *field == NODE).unwrap();
        for at in 0..40 {
            let to = format!("d{at}");
            let axis = vec![text(1, "axis"), (20, Value::Number(2)), (3, Value::Number(0))];
            g.insert(place, node("Concat", &[&from, &from], &[&to], &[axis]));
            (from, place) = (to, place + 1);
        }
        inside(g, OUTPUT, 0, |output| replace(output, 1, [text(1, &from)]));
    });
    graph("ten thousand operators", |g| {
        let mut from = "x".to_owned();
        let mut place = g.iter().position(|(field, _)| *field == NODE).unwrap();
        for at in 0..10_000 {
            let to = if at == 9_999 { "y".to_owned() } else { format!("i{at}") };
            g.insert(place, node("Identity", &[&from], &[&to], &[]));
            (from, place) = (to, place + 1);
        }
    });
    for operator in ["Loop", "If", "Scan", "Range", "NonZero", "RandomNormal", "OneHot", "Resize", "EyeLike"]
    {
        let whole = move |model: &mut Message| {
            inside(model, GRAPH, 0, |g| first(g, node(operator, &["x"], &["y"], &[])));
        };
        all.push((format!("operator {operator}"), Box::new(whole)));
    }
    for (operator, name, values) in [
        ("Conv", "strides", vec![0]),
        ("Conv", "strides", vec![-1]),
        ("Conv", "strides", vec![1 << 40]),
        ("Conv", "dilations", vec![0]),
        ("Conv", "dilations", vec![1 << 50]),
        ("Conv", "kernel_shape", vec![0]),
        ("Conv", "kernel_shape", vec![60_000]),
        ("Conv", "kernel_shape", vec![3, 3, 3]),
        ("Conv", "pads", vec![60_000, 60_000]),
        ("Conv", "pads", vec![-400, 0]),
        ("Transpose", "perm", vec![0, 0, 0]),
        ("Transpose", "perm", vec![7, 8, 9]),
        ("Transpose", "perm", vec![0]),
    ] {
        let whole = move |model: &mut Message| {
            inside(model, GRAPH, 0, |g| {
                let is_it = |(field, value): &(u64, Value)| {
                    let Value::Bytes(bytes) = value else { return false };
                    *field == NODE
                        && parse(bytes).iter().any(|(f, v)| {
                            *f == OPERATOR && matches!(v, Value::Bytes(name) if name == operator.as_bytes())
                        })
                };
                if let Some((_, Value::Bytes(bytes))) = g.iter_mut().find(|field| is_it(field)) {
                    let mut node = parse(bytes);
                    node.retain(|(field, value)| {
                        let Value::Bytes(bytes) = value else { return true };
                        *field != ATTRIBUTE
                            || !parse(bytes).iter().any(|(f, v)| {
                                *f == 1 && matches!(v, Value::Bytes(word) if word == name.as_bytes())
                            })
                    });
                    node.push(nested(ATTRIBUTE, &ints(name, &values)));
                    *bytes = encode(&node);
                } else {
                    // A network without this operator is broken otherwise.
                    first(g, node(operator, &["x"], &["y"], &[ints(name, &values)]));
                }
            });
        };
        all.push((format!("{operator} with {name} {}", all.len()), Box::new(whole)));
    }
    let mut file = |name: &str, edit: fn(&mut Message)| all.push((name.to_owned(), Box::new(edit)));
    file("no graph", |m| replace(m, GRAPH, []));
    file("an empty graph", |m| replace(m, GRAPH, [nested(GRAPH, &Vec::new())]));
    file("no opset", |m| replace(m, OPSET, []));
    file("opset 99", |m| replace(m, OPSET, [nested(OPSET, &vec![(2, Value::Number(99))])]));
    file("opset 7", |m| replace(m, OPSET, [nested(OPSET, &vec![(2, Value::Number(7))])]));
    file("functions", |m| m.push((25, Value::Bytes(Vec::new()))));
    all
}

/// Writes a broken model with a card that vouches for it.
fn vouched(folder: &Path, name: &str, bytes: &[u8], card: &str) -> PathBuf {
    let file = folder.join(format!("{}.onnx", name.replace([' ', '^', '-', '\''], "_")));
    assert!(!file.exists(), "{name} twice");
    let mut hash = String::new();
    Sha256::digest(bytes).iter().for_each(|byte| write!(hash, "{byte:02x}").unwrap());
    let lines = card.lines().map(|line| match line.split(" = ").next() {
        Some("onnx_sha256") => format!("onnx_sha256 = \"{hash}\""),
        Some("onnx_bytes") => format!("onnx_bytes = {}", bytes.len()),
        _ => line.to_owned(),
    });
    fs::write(file.with_extension("toml"), lines.collect::<Vec<_>>().join("\n")).unwrap();
    fs::write(&file, bytes).unwrap();
    file
}

/// Over a hundred broken models in `folder`, made from a good one; none may be loaded.
pub(crate) fn models(good: &Path, folder: &Path) -> Vec<PathBuf> {
    let bytes = fs::read(good).unwrap();
    let card = fs::read_to_string(good.with_extension("toml")).unwrap();
    let mut files = Vec::new();
    let model = parse(&bytes);
    assert_eq!(encode(&model), bytes, "taking apart and putting together changes nothing");
    for (name, edit) in edits() {
        let mut model = model.clone();
        edit(&mut model);
        files.push(vouched(folder, &name, &encode(&model), &card));
    }
    for share in 0..20 {
        let cut = &bytes[..bytes.len() * share / 20];
        files.push(vouched(folder, &format!("cut {share}"), cut, &card));
    }
    files.push(vouched(folder, "text", &b"not a model\n".repeat(50), &card));
    files.push(vouched(folder, "zeros", &[0; 5000], &card));
    // Bits in the head change structure, bits in weights only answers: a card notices by its hash alone.
    for at in 0..24 {
        let mut flipped = bytes.clone();
        flipped[(at * 7919 + 13) % bytes.len()] ^= 1 << (at % 8);
        let file = folder.join(format!("flipped_{at}.onnx"));
        fs::write(file.with_extension("toml"), &card).unwrap();
        fs::write(&file, flipped).unwrap();
        files.push(file);
    }
    for (at, (from, to)) in cards().into_iter().enumerate() {
        let changed = card.replacen(from, to, 1);
        assert_ne!(changed, card, "{from}");
        let file = folder.join(format!("card_{at}.onnx"));
        fs::write(file.with_extension("toml"), changed).unwrap();
        fs::write(&file, &bytes).unwrap();
        files.push(file);
    }
    files
}

/// Cards that say what is not so.
fn cards() -> Vec<(&'static str, &'static str)> {
    vec![
        ("format = 1", "format = 7"),
        ("format = 1", "format = "),
        ("\"anger\"", "\"anger\", \"joy\""),
        ("\"neutral\", ", ""),
        ("stride = 32", "stride = 16"),
        ("stride = 32", "stride = 0"),
        ("window = 128", "window = 99999999"),
        ("states = [[", "states = [[9, 9], ["),
        ("states = [[", "states = [[1, 0], ["),
        ("signal = \"clean\"", "signal = \"raw\""),
        ("rate_hz = 1000.0", "rate_hz = -1000.0"),
        ("onnx_bytes = ", "onnx_bytes = 9"),
        ("onnx_sha256 = \"", "onnx_sha256 = \"0"),
        ("output = [0", "output = [1"),
        ("input = [", "input = [nan, "),
        ("[[reference]]", "[[other]]"),
        ("[[channels]]", "[[sensors]]"),
    ]
}
