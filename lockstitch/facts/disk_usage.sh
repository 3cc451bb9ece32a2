# shellcheck shell=sh
# Every file system that holds files, in KiB and in inodes. What is no disk is left out, and what containers have
# mounted: their images lie on a disk that is listed. One that does not answer (a dead network mount) does not hold
# up the question for ever.

for kind in Pk Pi; do
    lines=$(timeout 20 df -"$kind" -T -x tmpfs -x devtmpfs -x squashfs -x efivarfs 2>/dev/null)
    [ $? -ne 124 ] || { echo "df takes too long: does a network mount hang? Try: run -- df -lh"; exit 1; }
    printf '%s\n' "$lines" | awk -v kind="$kind" '
        NR > 1 {
            at = $7
            for (i = 8; i <= NF; i++) at = at " " $i
            if (at !~ "^/(var|run)/(lib/)?(docker|containerd|containers|kubelet)/") print kind, $3, $4, $5, $2, at
        }'
done
