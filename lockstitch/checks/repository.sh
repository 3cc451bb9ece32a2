# shellcheck shell=sh
# Whether the repository answers, asked once; a pipe would hide how it ended. A branch is a line with its commit;
# beside these stands what the server and git say on stderr.

command -v git >/dev/null 2>&1 || { echo "git is not found on this host"; exit 1; }
said=$(timeout 20 git ls-remote --heads -- "$repository" </dev/null 2>&1); code=$?
[ $code -eq 0 ] && { echo "branches: $(printf '%s\n' "$said" | grep -c '[0-9a-f]\{40\}.refs/heads/')"; exit 0; }
[ $code -eq 124 ] && echo "no answer within 20 s"
printf '%s\n' "$said" | tail -n 30 | cut -c1-300
exit $code
