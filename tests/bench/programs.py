"""The C programs of this folder, built when they are older than their source."""
import pathlib
import subprocess

HERE = pathlib.Path(__file__).resolve().parent


def program(name):
    source, binary = HERE / f"{name}.c", HERE / name
    if not binary.exists() or binary.stat().st_mtime < source.stat().st_mtime:
        subprocess.run(["cc", "-O2", "-D_GNU_SOURCE", "-o", str(binary), str(source), "-lssl", "-lcrypto", "-lpthread"], check=True)
    return str(binary)
