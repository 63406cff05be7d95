"""Run as a new process: open a workspace, answer one search, and say what it took; prints JSON.

python -m benchmarks.first_answer WORKSPACE QUERY
"""

import json
import sys
import time
from pathlib import Path

began = time.perf_counter()


def main(root: Path, query: str) -> None:
    """Search as the owner, on record, as `ragraft search` does."""
    from ragraft.access.labels import OWNER
    from ragraft.systems import Workbench
    from ragraft.workspace import find_workspace

    with Workbench(find_workspace(root)) as bench:
        found = bench.retriever.retrieve(query, limit=10, caller=OWNER)
        seconds = time.perf_counter() - began
        status = Path("/proc/self/status").read_text()
    memory = {
        line.split(":")[0]: int(line.split()[1]) // 1024 for line in status.splitlines() if "VmRSS" in line
    }
    print(json.dumps({"passages": len(found), "seconds": seconds, "rss_mb": memory.get("VmRSS", 0)}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
