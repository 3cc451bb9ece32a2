# shellcheck shell=sh
# Set the value, or take it away; it is read back afterwards. redis_client.sh comes before it.
# shellcheck disable=SC2154

if [ -n "$flag_field" ]; then
    if [ -n "$flag_unset" ]; then ls_said=$(ls_redis HDEL "$flag_key" "$flag_field")
    else ls_said=$(ls_redis HSET "$flag_key" "$flag_field" "$flag_to"); fi
elif [ -n "$flag_unset" ]; then ls_said=$(ls_redis DEL "$flag_key")
else ls_said=$(ls_redis SET "$flag_key" "$flag_to"); fi || { echo "$ls_said"; return 1; }
case $ls_said in OK | 0 | 1) ;; *) echo "$ls_said"; return 1 ;; esac
