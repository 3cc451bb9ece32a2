# shellcheck shell=sh
# Whether a dump is whole.

# A dump that was cut off lacks its last line, even where it ends as a file should; of one that cannot be unpacked the
# last line is gzip's.
is_complete() { case $1 in '-- Dump completed'*) ;; *) return 1 ;; esac; }
whole() {
    for file in "$@"; do
        end=$(gzip -dc "$file" 2>&1 | tail -n 1) || end=
        is_complete "$end" || { echo "$file is not whole: ${end:-it cannot be read}" | cut -c 1-300; return 1; }
    done
}
