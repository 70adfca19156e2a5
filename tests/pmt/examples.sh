#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# An example that somebody may start from: nothing is wrong with it, what it says of itself is so,
# xmllint agrees, and what is made of it can be compared with itself and comes back. $1 is pmt, $2
# pmt/examples, $3 its name, $4 policy.rng.
set -eu
pmt=$1
folder=$2
name=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM
cp "$folder"/*.xml "$work"
cd "$work"

fail() {
	echo "FAILED: $name: $*"
	exit 1
}

xmllint --noout --relaxng "$4" "$name.xml"
"$pmt" check --strict "$name.xml" || fail 'pmt check'
"$pmt" test "$name.xml" || fail 'pmt test'
"$pmt" prove "$name.xml" || fail 'pmt prove'
# A test that says nothing shows nothing.
[ "$(grep -c '<expect ' "$name.xml")" -ge 6 ] || fail 'it has few tests'
[ "$(grep -c '<prove ' "$name.xml")" -ge 3 ] || fail 'it has few statements'

"$pmt" compile --serial 1 --not-before 2026-01-01T00:00:00Z -o first.bundle "$name.xml"
"$pmt" compile --serial 1 --not-before 2026-01-01T00:00:00Z -o second.bundle "$name.xml"
cmp first.bundle second.bundle || fail 'compiled twice it is not the same'
"$pmt" diff first.bundle "$name.xml" || fail 'it differs from itself'
"$pmt" compile --previous first.bundle -o next.bundle "$name.xml" | tee changes
if grep -E ' (added|changed|removed|new|gone)' changes | grep -v ' 0 PRIs added, 0 changed, 0 removed'; then
	fail 'compiled after itself it changes'
fi
"$pmt" convert -o back.xml first.bundle || fail 'pmt convert'
"$pmt" compile --serial 1 --not-before 2026-01-01T00:00:00Z -o back.bundle back.xml
cmp first.bundle back.bundle || fail 'it comes back as another one'
"$pmt" show first.bundle >/dev/null
"$pmt" list first.bundle >/dev/null
