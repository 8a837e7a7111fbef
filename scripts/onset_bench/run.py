"""Runs the event detector over bursts with known onsets and prints how many it finds, and how far off.

Called by scripts/onset-bench. Every signal goes through the program as a user's would: a text file (or the simulated
face), `import` (or `record`), `detect`. What is scored is the table `detect` writes.
"""
import argparse, csv, importlib.util, os, subprocess
import h5py
import numpy as np
from scipy import signal as ss

HABITS = ("blink", "swallow", "speech")
TAU_S = 1 / (2 * np.pi * 2)  # a 2 Hz pole


def run(*words, env=None):
    done = subprocess.run([str(w) for w in words], capture_output=True, text=True, env=env)
    if done.returncode not in (0, 1):
        raise SystemExit("%s\n%s" % (" ".join(map(str, words)), done.stderr))


class Program:
    def __init__(self, path, work):
        self.path, self.work, self.made = os.path.abspath(path), work, 0

    def new(self, ending):
        self.made += 1
        return os.path.join(self.work, "%04d.%s" % (self.made, ending))

    def folder(self):
        folder = self.new("d")
        os.makedirs(folder)
        return folder

    def load(self, text, name, *options):
        """A recording of a text file; its stem is `name`."""
        out = os.path.join(self.folder(), name + ".h5")
        run(self.path, "import", text, "-o", out, *options)
        return out

    def detect(self, files, *options):
        table = self.new("csv")
        run(self.path, "detect", *files, "-o", table, *options)
        with open(table, newline="") as f:
            return list(csv.DictReader(f))

    def write(self, name, header, columns, rate=1000.0):
        text = os.path.join(self.folder(), name + ".csv")
        times = np.arange(len(columns[0])) / rate
        np.savetxt(text, np.column_stack([times] + columns), fmt="%.4f", delimiter=",",
                   header="time_s," + header, comments="")
        return text


def by_recording(events):
    found = {}
    for e in events:
        found.setdefault(e["recording"], []).append(float(e["onset_s"]))
    return {k: sorted(v) for k, v in found.items()}


def line(name, n, hit, short, error, false):
    cell = lambda v, form: form % v if v is not None and np.isfinite(v) else "-"
    print("%-46s %5s %7s %7s %9s %9s" % (name, n, cell(hit, "%.3f"), cell(short, "%.3f"), cell(error, "%.1f ms"),
                                         cell(false, "%.3f")), flush=True)


def mean_line(name, scores):
    a = lambda key: np.mean([s["all"][key] for s in scores])
    short = np.mean([s["by_dur"]["40"]["hit_rate"] for s in scores])
    line(name, sum(s["all"]["n"] for s in scores), a("hit_rate"), short, a("abs_err_ms_p50"),
         a("false_alarms_per_min"))


def detail(scores):
    for snr in scores[0]["by_snr"]:
        of = lambda key: np.mean([s["by_snr"][snr][key] for s in scores])
        line("    at %s dB" % snr, sum(s["by_snr"][snr]["n"] for s in scores), of("hit_rate"), None,
             of("abs_err_ms_p50"), of("false_alarms_per_min"))


def envelope(x):
    """What a sensor of one pole makes of a signal: coupled, rectified, smoothed, 0.05 uV a step."""
    sos = ss.butter(1, 20, "highpass", fs=1000, output="sos")
    r = np.abs(ss.sosfilt(sos, x, zi=ss.sosfilt_zi(sos) * x[0])[0])
    keep = np.exp(-1 / (TAU_S * 1000))
    return np.round(ss.lfilter([1 - keep], [1, -keep], r, zi=[keep * r[:500].mean()])[0] / 0.05) * 0.05


def bursts(program, bench, seeds):
    """The benchmark itself, causal, in both directions, by the published method, and behind an envelope sensor."""
    ways = {
        "raw, causal (as live)": [],
        "raw, --zero-phase": ["--zero-phase"],
        "raw, --method casmemg": ["--method", "casmemg"],
    }
    scores = {name: [] for name in list(ways) + ["envelope, 2 Hz pole"]}
    rest_min = 0.0
    for seed in range(seeds):
        folder = program.folder()
        data = bench.write(folder, seed=seed)
        truth = bench.read_truth(os.path.join(folder, "truth.csv"))
        rest_min += sum(t["total"] - 3 - sum(b[1] - b[0] for b in t["b"]) for t in truth.values()) / 60
        files = [program.load(os.path.join(folder, n + ".csv"), n, "--columns", "emg=emg_uv:raw:uV") for n in data]
        for name, options in ways.items():
            scores[name].append(bench.score(truth, by_recording(program.detect(files, *options))))
        sensed = []
        for name, (x, _) in data.items():
            text = program.write(name, "emg", [envelope(x)])
            sensed.append(with_tau(program.load(text, name, "--columns", "emg=emg:envelope:V")))
        scores["envelope, 2 Hz pole"].append(bench.score(truth, by_recording(program.detect(sensed))))
        for f in files + sensed:
            os.remove(f)
    for name, s in scores.items():
        mean_line(name, s)
        if name.startswith(("raw, causal", "envelope")):
            detail(s)
    print("    (%d draws, %.0f minutes of rest)" % (seeds, rest_min), flush=True)


def with_tau(path):
    """An import cannot say a sensor's time constant; a montage does."""
    with h5py.File(path, "r+") as h:
        channels = h["channels"][()]
        channels["sensor_tau_s"] = TAU_S
        h["channels"][...] = channels
    return path


def face(program, seeds):
    """The simulated face with everything faces do: what is called an event and is none."""
    env = dict(os.environ, MYOGRAPH_RUNTIME_DIR=program.folder())
    os.chmod(env["MYOGRAPH_RUNTIME_DIR"], 0o700)
    minutes, false, echoes, hits, planted, errors, seen, told = 0.0, 0, 0, 0, 0, [], {}, {}
    for seed in range(seeds):
        out = program.folder()
        run(program.path, "record", "--headless", "--out", out, "--duration", "600s", "--fsync", "5s",
            "--source", "sim:?seed=%d&channels=8&rate=1000&speed=max" % (100 + seed), env=env)
        path = next(os.path.join(d, f) for d, _, fs in os.walk(out) for f in fs if f.endswith(".h5"))
        with h5py.File(path, "r") as h:
            names = [n.decode() if isinstance(n, bytes) else n for n in h["channels"]["name"]]
            truth = [(int(t["channel"]), t["onset"] / 1000, t["end"] / 1000, t["expression"].decode())
                     for t in h["truth"][()]]
            minutes += len(names) * h["raw/samples"].shape[0] / 60000
        events = program.detect([path])
        for e in events:
            e["at"] = (names.index(e["channel"]), float(e["onset_s"]), float(e["offset_s"]))
        for e in events:
            c, a, b = e["at"]
            during = [t for t in truth if t[1] < b and t[2] > a]
            own = [t for t in during if t[0] == c]
            if e["class"] in ("blink", "artefact") or any(t[3] not in HABITS + ("motion",) for t in own):
                continue
            if own or not during:
                false += 1
            else:
                echoes += 1
        for c, a, b, what in truth:
            mine = [e for e in events if e["at"][0] == c and e["at"][1] < b and e["at"][2] > a]
            if what in HABITS:
                seen[what] = seen.get(what, 0) + 1
                told[what] = told.get(what, 0) + any(e["class"] in ("blink", "artefact") for e in mine)
            elif what != "motion":
                planted += 1
                near = [e["at"][1] - a for e in mine if -0.05 <= e["at"][1] - a <= max(b - a, 0.1)]
                if near:
                    hits += 1
                    errors.append(1000 * min(abs(v) for v in near))
        os.remove(path)
    line("simulated face: blinks, swallows, speech, motion", planted, hits / planted, None, np.median(errors),
         false / minutes)
    print("    (false alarms per minute and channel over %.0f channel-minutes: no expression moves that muscle and it\n"
          "    is not called blink or artefact; %.3f more are echoes of neighbouring muscles; told as habits: %s)"
          % (minutes, echoes / minutes, ", ".join("%s %d/%d" % (k, told[k], seen[k]) for k in sorted(seen))))


def countenance(program, bench, data):
    """100 bursts planted into real recordings at 2 to 10 times their floor."""
    path = os.path.join(data, "face_countenance", "femg_raw_exported_sample.txt")
    if not os.path.exists(path):
        print("skipped: set MYOGRAPH_DATA")
        return
    x = np.genfromtxt(path, delimiter=",", skip_header=35)[:, :3]
    x = 1000 * x[np.isfinite(x).all(axis=1)]
    rng = np.random.default_rng(7)
    band = ss.sosfiltfilt(ss.butter(4, [20, 450], "bandpass", fs=1000, output="sos"), x, axis=0)
    tenths = (band[: len(band) // 100 * 100] ** 2).reshape(-1, 100, 3).mean(axis=1)
    floors = np.sqrt(np.median(tenths, axis=0))
    truth, files = {}, []
    while sum(len(t["b"]) for t in truth.values()) < 100:
        for c in range(3):
            y, t, planted = x[:, c].copy(), 3.0, []
            while len(planted) < 3:
                t += rng.uniform(0.8, 2.2)
                a, n = int(1000 * t), int(rng.choice(bench.DURS))
                if a + n > 11500:
                    break
                ramp = max(3, min(10, n // 6))
                e = np.ones(n)
                e[:ramp] = np.linspace(1 / ramp, 1, ramp)
                e[-ramp:] = e[:ramp][::-1]
                y[a:a + n] += rng.uniform(2, 10) * floors[c] * e * bench._emg_noise(rng, n + 1000)[:n]
                planted.append((a / 1000, (a + n) / 1000, n, 0))
                t = (a + n) / 1000
            name = "real_%02d" % len(files)
            files.append(program.load(program.write(name, "emg", [y]), name, "--columns", "emg=emg:raw:uV"))
            truth[name] = {"total": len(y) / 1000, "b": planted}
    score = bench.score(truth, by_recording(program.detect(files)))
    bare = [program.load(program.write("bare_%d" % c, "emg", [x[:, c]]), "bare_%d" % c, "--columns", "emg=emg:raw:uV")
            for c in range(3)]
    own = len(program.detect(bare)) / (3 * len(x) / 60000)
    line("face_countenance, planted at 2-10 x its floor", score["all"]["n"], score["all"]["hit_rate"],
         score["by_dur"]["40"]["hit_rate"], score["all"]["abs_err_ms_p50"], score["all"]["false_alarms_per_min"])
    print("    (`false` are movements of the face itself, whose truth nobody knows: %.1f a minute without any burst)" % own)


def main():
    ap = argparse.ArgumentParser(description=__doc__)
    for name in ("--myograph", "--bench", "--work"):
        ap.add_argument(name, required=True)
    ap.add_argument("--seeds", type=int, default=10)
    ap.add_argument("--data", default="")
    a = ap.parse_args()
    spec = importlib.util.spec_from_file_location("onset_bench", a.bench)
    bench = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(bench)
    program = Program(a.myograph, a.work)
    print("%-46s %5s %7s %7s %9s %9s" % ("", "n", "hits", "40 ms", "|error|", "false/min"))
    bursts(program, bench, a.seeds)
    face(program, max(1, a.seeds // 5))
    countenance(program, bench, a.data)


if __name__ == "__main__":
    main()
