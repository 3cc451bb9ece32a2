# shellcheck shell=sh
# What the command `pending` lists, in `patience` seconds. What a tool writes to stderr is no part of it, unless the tool
# fails: then it says why.

said=$(mktemp) || exit 1; trap 'rm -f "$said"' EXIT
answer=$(timeout "$patience" sh -c "$pending" 2>"$said") || {
    code=$?; cat "$said"; printf '%s\n' "$answer"
    [ $code != 124 ] || echo "no answer within $patience s"
    exit 1
}
[ -z "$answer" ] || printf '%s\n' "$answer"
