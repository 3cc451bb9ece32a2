# shellcheck shell=sh
# What INFO prints, by redis-cli or python3. The password travels in the environment: an argument would be seen by
# every user of the host.

[ -n "$password" ] && export REDISCLI_AUTH="$password"
if command -v redis-cli >/dev/null 2>&1; then
    if [ -n "$socket" ]; then set -- -s "$socket"; else set -- -h "$host" -p "$port"; fi
    [ -z "$user" ] || set -- "$@" --user "$user"
    [ -z "$tls" ] || set -- "$@" --tls
    timeout 10 redis-cli "$@" INFO 2>&1 | awk '{ gsub(/\r/, "") } /^[^#]/'
elif command -v python3 >/dev/null 2>&1; then
    ls_user=$user timeout 10 python3 -I -c '
import os, socket, ssl, sys
path, host, port, tls = sys.argv[1:5]
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
    said = stream.readline().decode().strip()
    return stream.read(int(said[1:]) + 2).decode("utf-8", "replace") if said.startswith("$") else said
password, user = os.environ.get("REDISCLI_AUTH"), os.environ.get("ls_user")
if password:
    said = ask("AUTH", *([user] if user else []), password)
    if said.startswith("-"):
        print(said[1:]); sys.exit()
print(ask("INFO").replace("\r", ""))' "$socket" "$host" "$port" "$tls" 2>&1 | tail -n 400
else
    echo "unknown this host has neither redis-cli nor python3"
fi
