#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Boots the guest that a scenario was red in: the same kernel, machine and
# devices, with a prompt on this terminal. Needs qemu-system-x86_64 and the files
# beside this script, nothing else. What the scenario did is not repeated: see
# agent.log.
set -eu

what=@WHAT@
made_with=@QEMU@

if ! [ -t 0 ] || ! [ -t 1 ]; then
	echo "repro.sh: needs a terminal" >&2
	exit 2
fi
if ! version=$(qemu-system-x86_64 --version); then
	echo "repro.sh: cannot run qemu-system-x86_64; Debian's package is qemu-system-x86" >&2
	exit 3
fi
version=${version%%"
"*}
here=$(cd "$(dirname "$0")" && pwd)
modes=$(stty -g)
size=$(stty size)
scratch=$(mktemp -d)
qemu=

tidy_up() {
	trap '' HUP INT TERM
	if [ -n "$qemu" ]; then
		kill "$qemu" 2>/dev/null || :
		wait "$qemu" || :
	fi
	stty "$modes" 2>/dev/null || : # unless the terminal has gone
	rm -rf "$scratch"
}
trap tidy_up EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

printf '%s\n' "$what"
if [ "$version" != "$made_with" ]; then
	printf 'seen on %s,\nthis is %s\n' "$made_with" "$version"
fi
echo "exit or Ctrl-D: the end. Ctrl-A X: at once. Ctrl-A H: what else QEMU can do."

# Files behind BARs are made in here.
cd "$scratch"
set -- @ARGUMENTS@ \
	-append @COMMAND_LINE@" -- console ${size% *} ${size#* } ${TERM:-dumb}" \
	-chardev null,id=agent -serial mon:stdio
# In the background, for a trap does not wait for its end.
exec 3<&0
qemu-system-x86_64 "$@" <&3 3<&- 2>qemu.log &
qemu=$!
status=0
wait "$qemu" || status=$?
qemu=
if [ "$status" -ne 0 ]; then
	cat qemu.log >&2
	exit 3
fi
