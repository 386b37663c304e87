"""What every side shares. A side is a script: `side_X.py PLAN` reads the job's plan (JSON, made by prepare.py), prints one JSON object last."""
import json
import os
import statistics
import subprocess
import sys
import time


def plan():
    with open(sys.argv[1], encoding="utf-8") as f:
        return json.load(f)


def read_json_lines(path):
    with open(path, encoding="utf-8") as f:
        return [json.loads(line) for line in f]


def read_rows(path):
    """Texts and labels of a JSON Lines file."""
    rows = read_json_lines(path)
    return [r["text"] for r in rows], [r["label"] for r in rows]


def since_process_start():
    """Seconds this process has run, its interpreter's start included."""
    with open("/proc/self/stat", encoding="ascii") as f:
        started = int(f.read().rsplit(")", 1)[1].split()[19]) / os.sysconf("SC_CLK_TCK")
    return time.clock_gettime(time.CLOCK_BOOTTIME) - started


def timed(call):
    begin = time.perf_counter()
    call()
    return time.perf_counter() - begin


def skip(reason):
    """This side cannot do this job here."""
    print(json.dumps({"skipped": reason}))
    sys.exit(0)


def finish(**result):
    print(json.dumps(result))


def percentiles(seconds):
    ordered = sorted(seconds)
    return 1e3 * statistics.median(ordered), 1e3 * ordered[int(0.95 * len(ordered))]


def in_slices(items, n):
    return [items[i:i + n] for i in range(0, len(items), n)]


def first_line_time(command, environment=None):
    """Seconds from the start of a process to its first line of output; the line."""
    begin = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        line = process.stdout.readline()
        seconds = time.perf_counter() - begin
        process.stdout.read()
    if process.returncode != 0 or not line:
        raise SystemExit(f"{' '.join(command)} ended with status {process.returncode}")
    return seconds, line


def start_to_answer(job):
    """Median seconds from process start to the label of one sentence: this script again, with a plan of the kind `start`."""
    path = sys.argv[1] + ".start"
    with open(path, "w", encoding="utf-8") as f:
        json.dump(job | {"kind": "start"}, f)
    return statistics.median(first_line_time([sys.executable, "-W", "ignore", sys.argv[0], path])[0] for _ in range(job["starts"]))


def measure_predictor(job, encode, forward, by_length=True, length=len):
    """Figures of `predict` or `latency` for an engine, or one answer: `encode(texts)` -> encoded rows, `forward(rows)` pads them and
    gives the labels. Both are timed together (text to label) and forward alone."""
    if job["kind"] == "start":
        return {"answer": int(forward(encode([job["text"]]))[0])}
    texts, _ = read_rows(job["rows"])
    if job["kind"] == "predict":
        def batches():
            rows = encode(texts)
            return in_slices(sorted(rows, key=length) if by_length else rows, job["batch"])
        encoded = batches()
        for batch in encoded[:3]:
            forward(batch)
        whole = [timed(lambda: [forward(b) for b in batches()]) for _ in range(job["passes"])]
        alone = [timed(lambda: [forward(b) for b in encoded]) for _ in range(job["passes"])]
        labels = [int(forward(encode([text]))[0]) for text in texts[:job["sentences"]]]
        return {"rows/s": len(texts) / statistics.median(whole), "forward rows/s": len(texts) / statistics.median(alone), "labels": labels}
    texts = texts[:job["sentences"]]
    for text in texts[:20]:
        forward(encode([text]))
    p50, p95 = percentiles([timed(lambda: forward(encode([text]))) for text in texts])
    encoded = [encode([text]) for text in texts]
    return {"start to answer s": start_to_answer(job), "p50 ms": p50, "p95 ms": p95, "forward p50 ms": percentiles([timed(lambda: forward(e)) for e in encoded])[0]}
