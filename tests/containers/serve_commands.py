"""The program that carries out the commands of a test inside a machine, where it is sent as text to python3.

It reads requests from its standard input, a line of JSON each with the words and the user, and answers with a line of
JSON that has the exit code and the size of the output, and with the output. That goes to a file: what a command leaves
running keeps nobody waiting.
"""

import json
import os
import pwd
import subprocess
import sys
from typing import Any


def carry_out(words: list[str], user: str) -> tuple[int, bytes]:
    """Run a command as a user, as the engine's own exec does. Returns its exit code and output."""
    who = pwd.getpwnam(user)
    environment = {**os.environ, "HOME": who.pw_dir}
    # Python's own, where there is no locale.
    environment.pop("LC_CTYPE", None)
    as_user: dict[str, Any] = {"user": who.pw_uid, "group": who.pw_gid}
    as_user["extra_groups"] = os.getgrouplist(who.pw_name, who.pw_gid)
    with os.fdopen(os.memfd_create("output"), "w+b") as output:
        try:
            done = subprocess.run(
                words,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=environment,
                cwd="/",
                start_new_session=True,
                check=False,
                **as_user,
            )
        except OSError as error:
            return 127, str(error).encode()
        output.seek(0)
        # A signal as a shell has it.
        return (done.returncode if done.returncode >= 0 else 128 - done.returncode), output.read()


if __name__ == "__main__":
    for line in sys.stdin.buffer:
        code, said = carry_out(**json.loads(line))
        sys.stdout.buffer.write(json.dumps({"code": code, "size": len(said)}).encode() + b"\n" + said)
        sys.stdout.buffer.flush()
