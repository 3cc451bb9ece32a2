# shellcheck shell=sh
# The manifest, from what the dump has left; then the backup gets its name. It is on the disk before that: a backup of
# that name is whole, whenever the power goes. The value `known` begins the manifest's first line.

checksums() { find database* -type f | LC_ALL=C sort | while read -r file; do
    printf '{"name":"%s","bytes":%s,"sha256":"%s"}\n' "$file" $(($(wc -c <"$file"))) "$(sha256sum <"$file" | cut -c 1-64)"
done; }
checksums >sums
rows=$(sed -n 's/.*":{"rows":\([0-9]*\),"bytes":[0-9]*}$/\1/p' tables | awk '{ n += $1 } END { printf "%.0f", n }')
bytes=$(awk -F '[:,]' '{ n += $4 } END { printf "%.0f", n }' sums)
sum=$(sha256sum <sums | cut -c 1-64)
plain() { head -n 1 "$1" 2>/dev/null | tr -cd 'A-Za-z0-9 ._:+(),/-'; }
{
    printf '%s,"at":"%s","server":"%s","tool":"%s","head":"%s","size":%s,"tables":%s,"rows":%s,"bytes":%s,"sha256":"%s",\n' \
        "$known" "$(plain at)" "$(plain server)" "$(plain tool)" "$(plain head)" "$(plain size)" $(($(wc -l <tables))) \
        "$rows" "$bytes" "$sum"
    echo '"contents":{'; sed '$!s/$/,/' tables
    echo '},"files":['; sed '$!s/$/,/' sums
} >manifest.json
printf '],"seal":"%s"}\n' "$(sealed <manifest.json)" >>manifest.json
# A program that failed in the middle of a line has left it out.
lines() { grep -c "$1" manifest.json || :; }
[ "$(lines '^{"lockstitch":1,.*"at":"[-0-9T:]*Z","server":"[^"]\{1,\}","tool":"[^"]\{1,\}".*,"size":[0-9]\{1,\},"tables":[0-9]\{1,\},"rows":[0-9]\{1,\},"bytes":[0-9]\{1,\},"sha256":"[0-9a-f]\{64\}",$')" -eq 1 ] &&
    [ "$(lines '^{"name":"database[^"]*","bytes":[0-9]\{1,\},"sha256":"[0-9a-f]\{64\}"},\{0,1\}$')" -eq "$(find database* -type f | wc -l)" ] &&
    [ "$(lines ':{"rows":[0-9]\{1,\},"bytes":[0-9]\{1,\}},\{0,1\}$')" -eq "$(wc -l <tables)" ] &&
    [ "$(lines '^\],"seal":"[0-9a-f]\{64\}"}$')" -eq 1 ] || { echo "the manifest could not be written"; exit 1; }
rm -f tables sums head size server tool at
find . -type d -exec chmod 0700 {} + ; find . -type f -exec chmod 0600 {} +
find . -type f -exec sync {} + ; sync .
cd "$home" || exit 1
mv -T "$part" "$name"; sync . || :
echo "$name is whole: $(du -sh "$name" | cut -f 1)"
echo "told backup $name"
echo "told head_before $(sed -n '1s/.*"head":"\([^"]*\)".*/\1/p' "$name/manifest.json")"
