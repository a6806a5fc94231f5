# The one Debian base of every image. Run by root on the engine's own host as
#   SUITE=<debian suite> IMAGE=<name:tag>; . this text
# and imports the base into the engine there. It states no mirror, so mmdebstrap takes
# Debian's own, with -updates and -security.
#
# `refreshed` in this directory is a date. A later date there gives every image a new tag, so
# that all are built again with the newest packages.
set -eu
export DEBIAN_FRONTEND=noninteractive LC_ALL=C

command -v docker >/dev/null || { echo "no docker client on this host" >&2; exit 1; }
if ! command -v mmdebstrap >/dev/null; then
    apt-get -q update
    apt-get -q install -y --no-install-recommends mmdebstrap
fi

work=$(mktemp -d "${TMPDIR:-/var/tmp}/hanoi-base.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

# Kept in every image: what apt needs for the layers above, and these settings for it.
cat >"$work/apt.conf" <<'CONF'
APT::Install-Recommends "false";
APT::Install-Suggests "false";
Acquire::Languages "none";
Acquire::Retries "3";
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb /var/cache/apt/archives/partial/*.deb || true"; };
CONF

# One script does what every image needs: user, packages, cleaning. Debian's package scripts
# accept an existing user only in the system's range, hence the wider range in adduser.conf.
cat >"$work/image-install" <<'SCRIPT'
#!/bin/sh
# image-install USER UID PACKAGE... : packages, and a user of that number which exists before
# the packages' own scripts look for one.
set -eu
user=$1 uid=$2
shift 2
export DEBIAN_FRONTEND=noninteractive
groupadd --gid "$uid" "$user"
useradd --uid "$uid" --gid "$uid" --no-create-home --home-dir "/var/lib/$user" \
    --shell /usr/sbin/nologin "$user"
apt-get -q update
apt-get -q install -y "$@"
image-clean
SCRIPT
cat >"$work/image-clean" <<'SCRIPT'
#!/bin/sh
# Nothing that a running service has no use for, and no way to other rights.
set -eu
rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/cache/debconf/* /var/cache/ldconfig/* \
    /var/log/* /tmp/* /var/tmp/* /var/lib/systemd /etc/systemd /usr/lib/systemd/system \
    /usr/share/doc /usr/share/man /usr/share/info /usr/share/lintian /usr/share/bug \
    /etc/machine-id /var/lib/dbus/machine-id
find / -xdev -type f -perm /6000 -exec chmod ug-s {} +
find / -xdev -type d -name __pycache__ -prune -exec rm -rf {} +
SCRIPT
printf '#!/bin/sh\nexit 101\n' >"$work/policy-rc.d"

# /run is a tmpfs in every container and takes its mode from here; a service that is not root
# writes its sockets there. image-clean takes apt's lists away, and with /tmp the settings that tie
# mmdebstrap's apt to the new tree: its own cleaning would then empty the lists of this host.
mmdebstrap --quiet --mode=root --variant=minbase \
    --include=adduser,ca-certificates,tzdata \
    --aptopt="$work/apt.conf" \
    --dpkgopt='force-unsafe-io' \
    --dpkgopt='path-exclude=/usr/share/doc/*' \
    --dpkgopt='path-exclude=/usr/share/man/*' \
    --dpkgopt='path-exclude=/usr/share/info/*' \
    --dpkgopt='path-exclude=/usr/share/lintian/*' \
    --dpkgopt='path-exclude=/usr/share/bug/*' \
    --dpkgopt='path-exclude=/usr/share/locale/*' \
    --customize-hook="upload '$work/image-install' /usr/sbin/image-install" \
    --customize-hook="upload '$work/image-clean' /usr/sbin/image-clean" \
    --customize-hook="upload '$work/policy-rc.d' /usr/sbin/policy-rc.d" \
    --customize-hook='chmod 0755 "$1"/usr/sbin/image-* "$1"/usr/sbin/policy-rc.d' \
    --customize-hook='printf "LAST_SYSTEM_UID=59999\nLAST_SYSTEM_GID=59999\n" >>"$1/etc/adduser.conf"' \
    --customize-hook='chmod 1777 "$1/run"' \
    --customize-hook='chroot "$1" image-clean' --skip=cleanup/apt \
    "$SUITE" "$work/base.tar"

docker import --change 'ENV LANG=C.UTF-8' --change 'ENV TZ=Etc/UTC' \
    "$work/base.tar" "$IMAGE"
