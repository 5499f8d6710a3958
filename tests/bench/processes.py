"""What processes cost: memory by share, CPU; which processes belong together."""
import os
import pathlib


def pss_kb(pids):
    total = 0
    for pid in pids:
        try:
            with open(f"/proc/{pid}/smaps_rollup") as f:
                total += sum(int(line.split()[1]) for line in f if line.startswith("Pss:"))
        except OSError:
            pass
    return total


def cpu_s(pids):
    """Of the processes and of their children that have ended."""
    ticks = 0
    for pid in pids:
        try:
            f = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
            ticks += sum(int(x) for x in f[11:15])
        except (OSError, IndexError):
            pass
    return ticks / os.sysconf("SC_CLK_TCK")


def files_in(folder):
    """How many: cheap, for it is asked again and again beside a server that still works."""
    try:
        return len(os.listdir(folder))
    except OSError:
        return 0


def tree(root):
    """A process and all that descend from it."""
    parents = {}
    for p in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            parents[int(p.name)] = int((p / "stat").read_text().rsplit(")", 1)[1].split()[1])
        except (OSError, IndexError):
            pass
    found, more = set(), {root}
    while more:
        found |= more
        more = {c for c, p in parents.items() if p in found} - found
    return sorted(found)


def in_root(folder):
    """All processes whose root folder it is, or lies in it."""
    found = []
    for p in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            if f"{os.readlink(p / 'root')}/".startswith(f"{folder}/"):
                found.append(int(p.name))
        except OSError:
            pass
    return found


def drop_page_cache():
    """What files hold in memory is forgotten; False where the machine does not allow it."""
    os.sync()
    try:
        pathlib.Path("/proc/sys/vm/drop_caches").write_text("3\n")
    except OSError:
        return False
    return True
