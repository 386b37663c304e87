"""Where and with what a measurement was made, and how much else the machine did meanwhile."""
import datetime
import os
import platform
import resource
import subprocess
from importlib.metadata import PackageNotFoundError, version

PACKAGES = ("torch", "transformers", "peft", "bitsandbytes", "tokenizers", "numpy", "onnxruntime", "onnx", "openvino")
# Settings of allocators, threads and math libraries a shell may carry: no side inherits them.
TUNING = ("OPENBLAS", "OMP_", "GOMP_", "KMP_", "MKL_", "DNNL_", "ONEDNN_", "MALLOC_", "GLIBC_TUNABLES", "LD_PRELOAD", "THP_", "ATTUNE_", "TORCH", "ATEN_", "BLIS_")


def environment(threads, more):
    clean = {k: v for k, v in os.environ.items() if not k.startswith(TUNING)}
    return clean | {"OMP_NUM_THREADS": str(threads), "HF_HUB_OFFLINE": "1", "TRANSFORMERS_VERBOSITY": "error", "TQDM_DISABLE": "1", "PYTHONDONTWRITEBYTECODE": "1"} | more


def _first(command):
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def describe(attune, threads):
    here = os.path.dirname(os.path.abspath(__file__))
    versions = {}
    for package in PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            versions[package] = None
    with open("/proc/cpuinfo", encoding="utf-8") as f:
        cpu = dict(line.split(":", 1) for line in f.read().split("\n\n")[0].splitlines())
    cpu = {k.strip(): v.strip() for k, v in cpu.items()}
    features = [x for x in ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_tile", "amx_int8") if x in cpu.get("flags", "").split()]
    return {"date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"), "commit": _first(["git", "-C", here, "rev-parse", "HEAD"]),
            "uncommitted": bool(_first(["git", "-C", here, "status", "--porcelain", "--untracked-files=no"])), "attune": _first([attune, "--version"]),
            "cpu": cpu.get("model name", platform.machine()), "cpu_family_model": f"{cpu.get('cpu family')}/{cpu.get('model')}", "features": features, "cores": os.cpu_count(),
            "memory_gb": round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9, 1), "kernel": platform.release(), "python": platform.python_version(),
            "versions": versions, "threads": threads, "load": os.getloadavg(), "environment_left_out": sorted(k for k in os.environ if k.startswith(TUNING))}


class Watch:
    """The share of all cores that programs outside our children used, and the hypervisor kept, since this was made."""
    def __init__(self):
        self.begin = self._now()

    @staticmethod
    def _now():
        with open("/proc/stat", encoding="ascii") as f:
            user, nice, system, idle, wait, irq, soft, steal = map(int, f.readline().split()[1:9])
        ours = resource.getrusage(resource.RUSAGE_CHILDREN)
        hz = os.sysconf("SC_CLK_TCK")
        busy = (user + nice + system + irq + soft + steal) / hz
        return busy - ours.ru_utime - ours.ru_stime, busy + (idle + wait) / hz

    def others(self):
        busy, total = (b - a for a, b in zip(self.begin, self._now()))
        return max(0.0, busy / max(total, 1e-9))
