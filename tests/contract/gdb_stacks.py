# Runs inside gdb: crashes the program in each way and prints the stack as JSON, one line a way.
import json
import os

import gdb

gdb.execute("set pagination off")
gdb.execute("set confirm off")
gdb.execute("set backtrace limit 64")
gdb.execute("set debuginfod enabled off")
for way in os.environ["WAYS"].split():
    gdb.execute(f"run {way} > /dev/null 2>&1", to_string=True)
    frames = []
    frame = gdb.newest_frame()
    while frame is not None:
        place = frame.find_sal()
        has_file = place.symtab is not None
        frames.append(
            {
                "function": frame.name(),
                "line": place.line if has_file else None,
                "library": gdb.solib_name(frame.pc()),
                # A tail call leaves nothing on the stack: gdb infers it where the library has debug information.
                "virtual": frame.type() in (gdb.INLINE_FRAME, gdb.TAILCALL_FRAME),
            }
        )
        frame = frame.older()
    print("STACK " + json.dumps({"way": way, "frames": frames}), flush=True)
    gdb.execute("kill")
