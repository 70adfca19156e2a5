#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# The examples in pmt(1) and copsec-policy(5) work as they stand; every option of --help is in
# pmt(1). $1 is pmt, $2 the source tree.
set -eu
pmt=$1
source=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM
cd "$work"
cp "$source"/pmt/examples/*.xml .
mkdir bin
ln -s "$pmt" bin/pmt
PATH=$work/bin:$PATH

# Literal text of a page's EXAMPLES, unescaped.
literal() {
	sed -n '/^\.Sh EXAMPLES/,/^\.Sh SEE/p' "$1" |
		sed -n '/^\.Bd -literal/,/^\.Ed/{/^\.Ed/{s/.*//;p;d};/^\./d;s/\\e/\\/g;p}'
}

# Lines that begin with a dollar sign, and what continues them.
literal "$source/doc/man/pmt.1" | sed -n '/^\$ /,/[^\\]$/{s/^\$ //;p}' >script
[ "$(grep -c '^pmt' script)" -ge 10 ] || { echo 'FAILED: where are the examples of pmt(1)?'; exit 1; }
sh -eux script

count=0
literal "$source/doc/man/copsec-policy.5" | csplit -s -z -f policy - '/^<policy/' '{*}'
for policy in policy[0-9]*; do
	pmt check --strict "$policy"
	pmt test "$policy"
	count=$((count + 1))
done
[ $count -ge 2 ] || { echo 'FAILED: where are the examples of copsec-policy(5)?'; exit 1; }

for command in check compile test keygen sign verify show publish schema; do
	pmt $command --help | sed -n 's/.* --\([a-z-]*\).*/\1/p' >options
	while read -r option; do
		grep -qE "^\.It.*Fl (. , )?-$option( |$)" "$source/doc/man/pmt.1" || {
			echo "FAILED: pmt $command --$option is not in pmt(1)"
			exit 1
		}
	done <options
done
