# shellcheck shell=sh
# The tables of the database `beside` move to a database with the name `into`. Its events stay asleep: it is beside the
# database that serves.

there "$into" && { echo "there is a database $into already"; exit 1; }
# shellcheck disable=SC2034 # moves.sh reads them.
database=$into come=$beside; work=$here/rename
rm -rf -- "$work"
(set -e; prepare_into "$work") &
wait $! || { rm -rf -- "$work"; exit 1; }
create_like "$into" "$beside" || exit 1
cat "$work/new.triggers" "$work/new.objects" "$work/new.events" >"$here/making"
if cat "$work/clear_new" "$work/rename" | ask && create_objects "$into" && drop_empty "$beside"
then rm -rf -- "$work" "$here/events/$beside"
else rm -rf -- "$work"; drop_empty "$into"; exit 1; fi
