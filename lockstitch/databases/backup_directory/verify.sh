# shellcheck shell=sh
# Around `looked`, which fails with 1 where the backup is not what it was: then it gets a mark, else its mark goes.

said=$(looked 2>&1) && code=0 || code=$?
[ -z "$said" ] || printf '%s\n' "$said"
if [ "$code" -eq 1 ]; then printf '%s\n' "$said" | mark verify
elif [ "$code" -ne 0 ]; then :
elif unproven; then
    echo "it is as it was written; that it could not be restored stays on record until backup.prove $name passes"
else rm -f -- "$marks/$name"; fi
exit "$code"
