#!/usr/bin/env bash
# Runs a command where nobody else's ports, addresses and files are: `own-namespaces.sh <empty folder> <command> [arguments]`,
# under `unshare --net --mount --pid --fork`. The command sees the machine's files under a root of its own, on which there
# are two more folders, both in memory: /certs, where Envoy Gateway insists on finding its certificates, and /lane for
# temporary files. When the command ends, or is killed, the kernel ends every process of the namespaces and forgets the rest.
set -euo pipefail
root=$1
shift
mount -t tmpfs -o mode=755 lane "$root"
for path in /*; do
  if [ -L "$path" ]; then
    cp -P "$path" "$root$path"
  elif [ -d "$path" ] && [ "$path" != /proc ] && [ "$path" != /certs ]; then
    mkdir "$root$path"
    mount --rbind "$path" "$root$path"
  fi
done
mkdir "$root/proc" "$root/certs" "$root/lane"
mount -t proc proc "$root/proc"
ip link set lo up
# Whatever address a pod is given is here.
ip route add local 10.0.0.0/8 dev lo
exec chroot "$root" env -C "$PWD" TMPDIR=/lane "$@"
