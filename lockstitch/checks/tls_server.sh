# shellcheck shell=sh
# The certificates that the server at `at` sends for `name`.

if command -v openssl >/dev/null 2>&1; then
    [ -z "$name" ] || set -- -servername "$name"
    timeout 10 openssl s_client -connect "$at" "$@" -showcerts </dev/null 2>&1
elif command -v python3 >/dev/null 2>&1; then
    timeout 10 python3 -I -c '
import socket, ssl, sys
context = ssl.create_default_context()
context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
with socket.create_connection((sys.argv[1], int(sys.argv[2])), 8) as line:
    with context.wrap_socket(line, server_hostname=sys.argv[3] or None) as tls:
        print(ssl.DER_cert_to_PEM_cert(tls.getpeercert(True)))' "$host" "$port" "$name" 2>&1 | tail -n 200
else
    echo "unknown this host has neither openssl nor python3"
fi
