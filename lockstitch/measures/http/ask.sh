# shellcheck shell=sh
# Sends the requests `begin` to `end` (one less) to `url` by a fixed schedule of `rate` in a thousand seconds, and prints
# counts. At most `concurrency` are under way at once: the next one is taken from a pipe by whoever is free.
# shellcheck disable=SC2154

no_proxy=${no_proxy:-${NO_PROXY:-}}
[ "$no_proxy" = "*" ] || no_proxy=${no_proxy:+$no_proxy,}localhost,127.0.0.1,::1
export no_proxy

# Hundredths of a second since the host started, without a process.
ls_now() { read -r ls_up _ </proc/uptime && now=${ls_up%.*}${ls_up#*.}; }

ls_rest() {
    ls_part=$(($1 % 100))
    [ "$ls_part" -ge 10 ] || ls_part=0$ls_part
    sleep "$(($1 / 100)).$ls_part"
}

ls_curl() {
    # Headers go by stdin: a command line can be read by all users of a host.
    printf '%s\n' "$config" | curl -q -K - -g -sS -o /dev/null --max-time "$timeout" -H 'Connection: close' \
        -w '\n%{http_code} %{time_namelookup} %{time_connect} %{time_appconnect} %{time_starttransfer} %{time_total}\n' "$url" 2>&1
}

ls_worker() {
    # Eight bytes are one number: a read of a pipe takes them whole.
    while token=$(dd bs=8 count=1 2>/dev/null) && [ -n "$token" ]; do
        due=$((start + token * 100000 / rate))
        ls_now
        [ "$due" -le "$now" ] || ls_rest $((due - now))
        # A line is written at once: several write into one pipe. What a loader warns of comes before curl's own line.
        if said=$(ls_curl); then echo "$((token)) ${said##*"$newline"}"; else echo "$((token)) failed $(printf '%s' "$said" | tr '\n' ' ')"; fi
    done
}

if ! command -v curl >/dev/null 2>&1; then echo 'unreadable this host has no curl to ask with'
elif ! ls_now 2>/dev/null || ! sleep 0.01 2>/dev/null; then
    echo 'unreadable this host has no /proc/uptime, or no sleep of parts of a second'
else
    config=$(printf '%s\n' "$headers" | sed '/^$/d; s/[\\"]/\\&/g; s/.*/header = "&"/')
    newline='
'
    count=$((end - begin)) warm_up=$((begin < 0 ? -begin : 0))
    start=$now
    awk -v n="$count" 'BEGIN { for (i = 0; i < n; i++) printf "%7d\n", i }' | {
        worker=0
        while [ "$worker" -lt "$concurrency" ]; do
            # A shell gives what runs in the background an empty stdin, unless it is told which.
            { ls_worker <&3 & } 3<&0
            worker=$((worker + 1))
        done
        wait
        ls_now
        echo "took $((now - start))"
    } | limits=$limits expected=$expected count=$count warm_up=$warm_up rate=$rate concurrency=$concurrency timeout=$timeout awk "$program"
fi
