# shellcheck shell=sh
# Print the value. redis_client.sh comes before it. Whether it is there is asked first: nothing and an empty text look alike.
# shellcheck disable=SC2154

if [ -n "$flag_field" ]; then ls_there=$(ls_redis HEXISTS "$flag_key" "$flag_field")
else ls_there=$(ls_redis EXISTS "$flag_key"); fi
case $ls_there in
    0) echo unset; return 0 ;;
    1) ;;
    *) printf 'unreadable %s\n' "$(printf '%s\n' "${ls_there:-Redis did not answer}" | tail -n 1)"; return 0 ;;
esac
if [ -n "$flag_field" ]; then printf 'value %s\n' "$(ls_redis HGET "$flag_key" "$flag_field")"
else
    ls_type=$(ls_redis TYPE "$flag_key")
    [ "$ls_type" = string ] || { echo "unreadable $flag_key is a $ls_type: give its field"; return 0; }
    printf 'value %s\n' "$(ls_redis GET "$flag_key")"
fi
