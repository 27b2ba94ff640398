# shellcheck shell=bash
# Sourced by the other scripts: named steps with their times, and packages that a step needs.

steps_done=()
steps_failed=()

# step NAME COMMAND..: run the command under a headline and remember how it ended and how long it took.
# Later steps run even after a failure, so that one run shows everything that is wrong.
step() {
    local name=$1 began=$SECONDS status=0
    shift
    printf '\n== %s\n' "$name"
    "$@" || status=$?
    local line
    line=$(printf '%5ds  %s' "$((SECONDS - began))" "$name")
    if [ "$status" -ne 0 ]; then
        line+="  FAILED ($status)"
        steps_failed+=("$name")
    fi
    steps_done+=("$line")
}

# Print the time of each step; the status says whether all of them passed.
steps_summary() {
    printf '\n-- %s: %d s in all\n' "$1" "$SECONDS"
    printf '%s\n' "${steps_done[@]}"
    [ ${#steps_failed[@]} -eq 0 ]
}

is_installed() {
    dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null | grep -qx installed
}

# need_packages PACKAGE..: install what is missing, or say what is missing and fail. It never skips:
# a run that quietly proved less would look the same as one that proved everything.
need_packages() {
    local missing=() package
    if ! command -v dpkg-query >/dev/null; then
        printf 'These Debian packages (or what they stand for) are needed, and this is not Debian: %s\n' "$*" >&2
        return 1
    fi
    for package in "$@"; do
        is_installed "$package" || missing+=("$package")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    if [ "$(id -u)" -ne 0 ]; then
        printf 'Missing: %s\nInstall them as root: apt-get install %s\n' "${missing[*]}" "${missing[*]}" >&2
        return 1
    fi
    apt-get update -q </dev/null &&
        DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}" </dev/null
}
