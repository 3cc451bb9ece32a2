# shellcheck shell=sh
# The beginning of a source's script that reads logs: the windows of `spans` (words FROM:TO; not above 0: seconds before now) in
# epoch seconds of this host's clock as `windows`, the begin of the first as `earliest`, and in how many minutes files were
# written to that reach into them.
# shellcheck disable=SC2154,SC2034

now=$(date +%s) windows=''
earliest=$now
for span in $spans; do
  begin=${span%:*} end=${span#*:}
  [ "$begin" -gt 0 ] || begin=$((now + begin))
  [ "$end" -gt 0 ] || end=$((now + end))
  windows="$windows $begin:$end"
  [ "$begin" -ge "$earliest" ] || earliest=$begin
done
minutes=$(((now - earliest) / 60 + 2))
