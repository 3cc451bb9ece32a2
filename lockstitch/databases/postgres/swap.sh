# shellcheck shell=sh
# The restored database `beside` takes the place of the one that serves, which is kept as `kept`.

if there "$kept" && ! there "$beside"; then echo "it was swapped already"; exit 0; fi
there "$beside" || { echo "$beside is not there"; exit 1; }
drain
swap "$kept" "$beside"
echo "$database is the restored one; the one before it is kept as $kept"
