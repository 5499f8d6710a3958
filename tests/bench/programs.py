"""The C programs of this folder, built when they are older than their sources: NAME.c, or all of NAME/*.c."""
import pathlib
import subprocess

HERE = pathlib.Path(__file__).resolve().parent


def program(name):
    folder = HERE / name
    sources = sorted(folder.glob("*.[ch]")) if folder.is_dir() else [HERE / f"{name}.c"]
    binary = HERE / (f"{name}.bin" if folder.is_dir() else name)
    if not binary.exists() or binary.stat().st_mtime < max(s.stat().st_mtime for s in sources):
        subprocess.run(["cc", "-O2", "-D_GNU_SOURCE", f"-I{HERE.parents[1]}", "-o", str(binary),
                        *[str(s) for s in sources if s.suffix == ".c"], "-lssl", "-lcrypto", "-lsodium", "-lpthread"], check=True)
    return str(binary)
