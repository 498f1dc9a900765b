# Builds the root of a container in a mount namespace of its own and becomes the container's process.
# On stdin are quoted words, because a command line may be read by anybody and variables hold secrets:
# ROOT HOST-NAME read-only|writable LOG WORKING-DIRECTORY [SOURCE TARGET ro|rw]... -- COMMAND [ARGUMENT]...
# Says its process id on stdout once everything is in place; what fails before that is on stderr.
set -eu
eval "set -- $(cat)"
umask 022
root=$1 host_name=$2 access=$3 log=$4 working_directory=$5
shift 5

mount -t tmpfs -o mode=0755 root "$root"
mkdir -p "$root/dev/shm" "$root/etc" "$root/proc" "$root/root" "$root/tmp" "$root/usr" "$root/var" "$root$working_directory"
chmod 1777 "$root/tmp"
mount -o bind,ro /usr "$root/usr"
for path in /bin /sbin /lib /lib32 /lib64 /libx32; do
    if [ -L "$path" ]; then
        cp -P "$path" "$root$path"
    elif [ -d "$path" ]; then
        mkdir "$root$path"
        mount -o bind,ro "$path" "$root$path"
    fi
done
for device in null zero full random urandom; do
    : > "$root/dev/$device"
    mount -o bind "/dev/$device" "$root/dev/$device"
done
ln -s /proc/self/fd "$root/dev/fd"
ln -s /proc/self/fd/0 "$root/dev/stdin"
ln -s /proc/self/fd/1 "$root/dev/stdout"
ln -s /proc/self/fd/2 "$root/dev/stderr"
mount -t tmpfs -o mode=1777 shm "$root/dev/shm"
mount -t proc proc "$root/proc"

while [ "$1" != -- ]; do
    source=$1 target=$root$2 options=bind,$3
    shift 3
    if [ -d "$source" ]; then
        mkdir -p "$target"
    elif [ ! -e "$target" ]; then
        mkdir -p "${target%/*}"
        : > "$target"
    fi
    mount -o "$options" "$source" "$target"
done
shift

[ "$access" = writable ] || mount -o remount,ro "$root"
echo "$host_name" > /proc/sys/kernel/hostname
# The machine's own /proc, so this is the process id outside of the namespace.
read -r pid _ < /proc/self/stat
echo "$pid"
exec < /dev/null >> "$log" 2>&1
exec chroot "$root" "$@"
