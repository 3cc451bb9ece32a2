# shellcheck shell=sh
# `ls_redis WORD…` prints the answer of Redis to a command, by redis-cli or python3. The password travels in the
# environment: an argument would be seen by every user of the host. `redis_seconds` is how long redis-cli may take (10).
# shellcheck disable=SC2154

ls_redis() {
    [ "$redis_port" != 0 ] || { echo "the URL of $redis_reference cannot be read"; return 1; }
    if command -v redis-cli >/dev/null 2>&1; then
        [ -z "$redis_database" ] || set -- -n "$redis_database" "$@"
        [ -z "$redis_tls" ] || set -- --tls "$@"
        [ -z "$redis_user" ] || set -- --user "$redis_user" "$@"
        if [ -n "$redis_socket" ]; then set -- -s "$redis_socket" "$@"; else set -- -h "$redis_host" -p "$redis_port" "$@"; fi
        (unset REDISCLI_AUTH; [ -z "$redis_password" ] || export REDISCLI_AUTH="$redis_password"
            timeout "${redis_seconds:-10}" redis-cli "$@" 2>&1)
    elif command -v python3 >/dev/null 2>&1; then
        ls_password=$redis_password timeout 10 python3 -I -c '
import os, socket, ssl, sys
path, host, port, user, tls, database = sys.argv[1:7]
try:
    if path:
        line = socket.socket(socket.AF_UNIX); line.settimeout(8); line.connect(path)
    else:
        line = socket.create_connection((host, int(port)), 8)
    if tls:
        line = ssl.create_default_context().wrap_socket(line, server_hostname=host)
    stream = line.makefile("rwb")
    def ask(*words):
        raw = [word.encode() for word in words]
        stream.write(b"*%d\r\n" % len(raw) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in raw)); stream.flush()
        said = stream.readline().decode("utf-8", "replace").rstrip("\r\n")
        if said.startswith("-"):
            sys.exit(said[1:])
        if said.startswith("$"):
            return "" if said == "$-1" else stream.read(int(said[1:]) + 2)[:-2].decode("utf-8", "replace")
        return said[1:]
    if os.environ["ls_password"]:
        ask("AUTH", *([user] if user else []), os.environ["ls_password"])
    if database:
        ask("SELECT", database)
    print(ask(*sys.argv[7:]))
except OSError as error:
    sys.exit(str(error))' "$redis_socket" "$redis_host" "$redis_port" "$redis_user" "$redis_tls" "$redis_database" "$@" 2>&1
    else echo "this host has neither redis-cli nor python3"; return 1; fi
}
