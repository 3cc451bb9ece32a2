# shellcheck shell=sh
# A release that failed is kept as evidence, unless it has filled the disk of a host that serves.

free=$(df -Pk "$releases" 2>/dev/null | awk 'NR == 2 { print $4 }')
if [ -d "$directory" ] && [ "${free:-$wanted}" -lt "$wanted" ]; then
    case "$(readlink "$current") $(ls -l /proc/[0-9]*/cwd 2>/dev/null)" in *"$id"*) ;; *)
        echo "the disk is full ($free KiB are free): the release that failed is removed"
        ls_remove "$directory" ;;
    esac
fi
