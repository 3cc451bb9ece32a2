# shellcheck shell=sh
# Runs `line` for each of `spans` (words FROM:TO; not above 0: seconds before now), and prints its exit code, its lines and
# those on stderr, each after the number of the span.
# shellcheck disable=SC2154

now=$(date +%s)
n=0
for span in $spans; do
  n=$((n + 1))
  WINDOW_BEGIN=${span%:*} WINDOW_END=${span#*:}
  [ "$WINDOW_BEGIN" -gt 0 ] || WINDOW_BEGIN=$((now + WINDOW_BEGIN))
  [ "$WINDOW_END" -gt 0 ] || WINDOW_END=$((now + WINDOW_END))
  export WINDOW_BEGIN WINDOW_END
  {
    {
      { sh -c "$line" </dev/null 2>&3 3>&- 4>&-; printf 'code %s %s\n' "$n" "$?" >&4; } | sed "s/^/said $n /" >&4
    } 3>&1 | sed "s/^/error $n /"
  } 4>&1
done
