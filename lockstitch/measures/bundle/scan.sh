# shellcheck shell=sh
# Sizes and contents of what was built in `directory`/`path`, and of the served page at `page`, if one is given. `before` is
# the same folder of the release that it is compared with, or empty. `kinds` are suffixes of the files that are chunks;
# `texts` are counted, an awk expression a line; `patterns` are secrets in all their forms, a line each: NUMBER FORM. They go
# to grep by its stdin alone: a command line, and an environment, can be read by others. No variable here is exported.
# shellcheck disable=SC2154

LC_ALL=C
no_proxy=${no_proxy:-${NO_PROXY:-}}
[ "$no_proxy" = "*" ] || no_proxy=${no_proxy:+$no_proxy,}localhost,127.0.0.1,::1
export LC_ALL no_proxy
newline='
'

ls_is_chunk() {
    for ls_kind in $kinds; do case $1 in *"$ls_kind") return 0 ;; esac; done
    return 1
}

# A line for each chunk below a folder: the word, its size by gzip, its size, its path.
ls_sizes() {
    (cd -- "$2" 2>/dev/null || { echo "unreadable $2 cannot be entered"; exit; }
    # Such a name can look like that of two other files.
    [ -z "$(find -L . -path "*$newline*" 2>/dev/null | head -n 1)" ] || echo "unreadable the name of a file has more than one line"
    find -L . -type f 2>&1 | sort | while IFS= read -r ls_file; do
        case $ls_file in ./*) ;; *) echo "unreadable $ls_file"; continue ;; esac
        ls_is_chunk "$ls_file" || continue
        if [ -r "$ls_file" ]; then
            echo "$1 $({ gzip -c <"$ls_file" || echo "unreadable gzip ended with exit code $?" >&2; } | wc -c | tr -d ' ') $(wc -c <"$ls_file" | tr -d ' ') ${ls_file#./}"
        else echo "unreadable $ls_file"; fi
    done)
}

# Prints which secrets are in some files. A batch is read once for all of them; what it is in is read for each.
ls_search() {
    { printf '%s\n' "$patterns" | sed 's/^[^ ]* //' | grep -lF -f - -- "$@" 2>&1 || ls_ended grep $?; } | while IFS= read -r ls_hit; do
        case $ls_hit in ./*) ;; *) echo "unreadable $ls_hit"; continue ;; esac
        printf '%s\n' "$patterns" | while IFS= read -r ls_line; do
            if printf '%s\n' "${ls_line#* }" | grep -qF -f - -- "$ls_hit"; then echo "secret ${ls_line%% *} ${ls_hit#./}"
            else ls_ended "unreadable grep" $?; fi
        done
    done | sort -u
}

# One that found nothing ends with 1. One that was killed, as for want of memory, has said nothing either.
ls_ended() { [ "$2" -le 1 ] || echo "$1 ended with exit code $2"; }

ls_count() { [ -z "$texts" ] || texts=$texts awk "$counting" "$@" || echo "unreadable awk ended with exit code $?"; }

ls_batch() {
    [ -z "$patterns" ] || ls_search "$@"
    ls_count "$@"
}

ls_contents() {
    (cd -- "$1" 2>/dev/null || { echo "unreadable $1 cannot be entered"; exit; }
    find -L . -type f 2>/dev/null | sort | {
        set --
        ls_files=0
        while IFS= read -r ls_file; do
            case $ls_file in
                *.gz | *.br | *.zst | *.tgz | *.zip | *.bz2 | *.xz) [ -f "${ls_file%.*}" ] || echo "unreadable ${ls_file#./} is compressed, and what it is made of is not there" ;;
            esac
            ls_files=$((ls_files + 1))
            [ "$ls_files" -le "$most" ] || { echo "unreadable there are more than $most files"; break; }
            set -- "$@" "$ls_file"
            [ $# -lt 200 ] || { ls_batch "$@"; set --; }
        done
        [ $# -eq 0 ] || ls_batch "$@"
        echo "files $ls_files"
    })
}

ls_page() {
    command -v curl >/dev/null 2>&1 || { echo "unreadable this host has no curl to ask for $page"; return; }
    ls_body=$(curl -q -g -fsS --max-time 30 --max-filesize 20000000 -w '\n%{http_code} %{size_download}' -- "$page" 2>&1) ||
        { echo "unreadable $page: $(printf '%s' "$ls_body" | head -n 1 | cut -c 1-200)"; return; }
    # A redirect and an empty answer hold no secret, and are not the page.
    ls_said=${ls_body##*"$newline"} ls_body=${ls_body%"$newline"*}
    case $ls_said in
        2*\ 0) echo "unreadable $page: it is empty"; return ;;
        2*) ;;
        *) echo "unreadable $page: it answered ${ls_said%% *}: write the URL that it leads to"; return ;;
    esac
    printf '%s\n' "$patterns" | while IFS= read -r ls_line; do
        [ -n "$ls_line" ] || continue
        case $ls_body in *"${ls_line#* }"*) echo "secret ${ls_line%% *} $page" ;; esac
    done | sort -u
    printf '%s\n' "$ls_body" | ls_count
}

if ! command -v gzip >/dev/null 2>&1; then echo "unreadable this host has no gzip"
else
    ls_sizes chunk "$directory/$path"
    [ -z "$before" ] || ls_sizes was "$before/$path" | sed 's/^unreadable /lost /'
    [ -z "$patterns$texts" ] || ls_contents "$directory/$path"
    [ -z "$page" ] || ls_page
    echo end
fi
