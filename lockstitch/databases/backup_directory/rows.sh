# shellcheck shell=sh
# The rows of every table, as a manifest has them and as an engine counts them.

# `rows_of FILE`: a line for each table, without its bytes.
rows_of() { LC_ALL=C sed -n 's/^\(".*":{"rows":[0-9]*\),"bytes":[0-9]*},\{0,1\}$/\1/p' "$1" | LC_ALL=C sort; }
# `differences FILE`: compare the file, which is removed, with the manifest of `name`. The answer is `same N`, or lines
# `wanted ROWS` and `found ROWS`.
differences() {
    found=$(rows_of "$1"); rm -f "$1"
    wanted=$(rows_of "$directory/$name/manifest.json")
    if [ "$found" = "$wanted" ]; then echo "same $(printf '%s' "$wanted" | grep -c .)"; return 0; fi
    missing "$wanted" "$found" wanted
    missing "$found" "$wanted" found
}
# `missing LINES OTHERS WORD`: the lines that are not among the others, behind the word.
missing() { printf '%s\n' "$1" | while read -r line; do
    case "
$2
" in *"
$line
"*) ;; *) echo "$3 $line" ;; esac
done | head -n 20; }
